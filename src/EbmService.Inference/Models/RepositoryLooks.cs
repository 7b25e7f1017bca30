using System.Globalization;
using System.Text;

namespace EbmService.Inference.Models;

/// <summary>
/// What models look like from outside: names, lengths and times of their files. One is worth reading when it looks other than when it
/// was last read, and as it did at the look before: so nothing is read while somebody still copies it. Not thread-safe.
/// </summary>
/// <param name="root">The repository's folder.</param>
internal sealed class RepositoryLooks(string root)
{
    private readonly Dictionary<string, string> _read = Look(root) ?? [];
    private Dictionary<string, string> _last = [];

    /// <summary>Looks again.</summary>
    /// <returns>Names of models that have changed and are quiet, also of those that are gone; they count as read from now on.</returns>
    internal IReadOnlyList<string> TakeChanges()
    {
        if (Look(root) is not { } now)
            return [];
        string[] changed = [.. now.Keys.Union(_read.Keys)
            .Where(name => now.GetValueOrDefault(name) != _read.GetValueOrDefault(name))
            .Where(name => now.GetValueOrDefault(name) == _last.GetValueOrDefault(name))
            .Order(StringComparer.Ordinal)];
        foreach (string name in changed)
        {
            _read.Remove(name);
            if (now.TryGetValue(name, out string? look))
                _read[name] = look;
        }
        _last = now;
        return changed;
    }

    /// <returns>By model; null where the folder is away or changes right now, which says nothing about any model.</returns>
    private static Dictionary<string, string>? Look(string root)
    {
        try
        {
            return RepositoryFolder.Subfolders(root).Where(ModelNames.IsValid)
                .ToDictionary(name => name, name => LookAt(Path.Combine(root, name)), StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string LookAt(string model)
    {
        var text = new StringBuilder();
        Append(text, new FileInfo(Path.Combine(model, ModelFiles.Descriptor)));
        foreach (string version in RepositoryFolder.Subfolders(model).Where(ModelNames.IsValid))
        {
            text.Append('/').Append(version).Append('\n');
            var folder = new DirectoryInfo(Path.Combine(model, version));
            foreach (FileInfo file in folder.EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
                Append(text, file);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, FileInfo file)
    {
        if (file.Exists)
            text.Append(CultureInfo.InvariantCulture, $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks} {file.LinkTarget}\n");
    }
}
