using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace EbmService.Inference.Models;

/// <summary>Reads files of the repository; refuses names with other characters, links that leave it, and files over a limit.</summary>
/// <param name="root">The repository's folder.</param>
/// <param name="linkTargets">Folders outside it that links may lead to; one that is not there allows nothing.</param>
internal sealed class RepositoryFolder(string root, IReadOnlyList<string>? linkTargets = null)
{
    private readonly RealPath[] _allowed = [.. new[] { root }.Concat(linkTargets ?? []).Select(RealPath.Of).OfType<RealPath>()];

    internal string Root { get; } = root;

    /// <summary>The names of a folder's subfolders, also those behind links.</summary>
    internal static IEnumerable<string> Subfolders(string folder) =>
        Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <exception cref="InvalidModelException">The path leaves the repository.</exception>
    internal void CheckWithin(string path)
    {
        if (RealPath.Of(path) is { } real)
            CheckWithin(real, Path.GetFileName(path));
    }

    /// <summary>The bytes of a file, or null where there is none.</summary>
    /// <exception cref="InvalidModelException">It leaves the repository or is larger than <paramref name="limit"/> bytes.</exception>
    internal byte[]? TryRead(string folder, string name, long limit)
    {
        if (!ModelNames.IsValid(name))
            throw new InvalidModelException("a file has a name that is not allowed");
        string path = Path.Combine(folder, name);
        CheckWithin(path);
        if (!File.Exists(path))
            return null;
        using SafeFileHandle file = File.OpenHandle(path);
        // Again, of what was opened: a link may have been turned since.
        CheckWithin(RealPath.OfOpen(file, path), name);
        long length = RandomAccess.GetLength(file);
        return length <= limit ? ReadAll(file, length, name) : throw new InvalidModelException($"'{name}' has {length} bytes, more than the {limit} allowed");
    }

    private static byte[] ReadAll(SafeFileHandle file, long length, string name)
    {
        var bytes = new byte[length];
        for (int at = 0; at < bytes.Length;)
        {
            int read = RandomAccess.Read(file, bytes.AsSpan(at), at);
            at += read > 0 ? read : throw new InvalidModelException($"'{name}' became shorter while it was read");
        }
        return bytes;
    }

    private void CheckWithin(RealPath real, string name)
    {
        if (!Array.Exists(_allowed, folder => folder.Contains(real)))
        {
            throw new InvalidModelException(
                $"'{name}' is a link that leaves the repository: add the folder that it leads to to the setting "
                + $"{ModelsOptions.Section}:{nameof(ModelsOptions.AllowedLinkTargets)}");
        }
    }

    /// <summary>The bytes of a file that must be there and have that SHA-256 (64 hex digits).</summary>
    internal byte[] ReadVerified(string folder, string name, string sha256)
    {
        byte[] bytes = TryRead(folder, name, ModelLimits.MaxFile)
            ?? throw new InvalidModelException($"'{name}' is listed in version.json but missing");
        return string.Equals(Sha256(bytes), sha256, StringComparison.OrdinalIgnoreCase)
            ? bytes
            : throw new InvalidModelException($"'{name}' does not have the SHA-256 that version.json lists: it was changed or damaged");
    }

    internal static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
