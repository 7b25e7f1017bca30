namespace EbmService.Inference.Models;

/// <summary>Follows every link of a path, as realpath(3) does; .NET only follows a path's last component.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    /// <summary>The absolute path without links; components that don't exist are kept as they are.</summary>
    /// <exception cref="IOException">Links form a loop.</exception>
    internal static string Of(string path)
    {
        string full = Path.GetFullPath(path);
        string current = Path.GetPathRoot(full)!;
        var left = new Stack<string>(Components(full[current.Length..]).Reverse());
        int links = 0;
        while (left.TryPop(out string? component))
        {
            if (component == "..")
            {
                current = Path.GetDirectoryName(current) ?? current;
                continue;
            }
            string next = Path.Combine(current, component);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }
            if (++links > MaxLinks)
                throw new IOException("too many links");
            if (Path.IsPathRooted(target))
            {
                current = Path.GetPathRoot(target)!;
                target = target[current.Length..];
            }
            foreach (string part in Components(target).Reverse())
                left.Push(part);
        }
        return current;
    }

    /// <summary>Whether a path, links followed, is the folder or lies in it.</summary>
    /// <param name="realFolder">A result of <see cref="Of"/>.</param>
    internal static bool IsWithin(string realFolder, string path)
    {
        string real = Of(path);
        return real == realFolder
            || real.StartsWith(realFolder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Components(string path) =>
        path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");
}
