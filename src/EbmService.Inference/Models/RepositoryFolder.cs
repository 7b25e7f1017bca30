using System.Security.Cryptography;

namespace EbmService.Inference.Models;

/// <summary>Reads files of the repository; refuses names with other characters, links that leave it, and files over a limit.</summary>
internal sealed class RepositoryFolder(string root)
{
    private readonly string _realRoot = RealPath.Of(root);

    internal string Root { get; } = root;

    /// <summary>The names of a folder's subfolders, also those behind links.</summary>
    internal static IEnumerable<string> Subfolders(string folder) =>
        Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <exception cref="InvalidModelException">The path leaves the repository.</exception>
    internal void CheckWithin(string path)
    {
        if (!RealPath.IsWithin(_realRoot, path))
            throw new InvalidModelException($"'{Path.GetFileName(path)}' is a link that leaves the repository");
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
        long length = new FileInfo(RealPath.Of(path)).Length;
        return length <= limit ? File.ReadAllBytes(path) : throw new InvalidModelException($"'{name}' has {length} bytes, more than the {limit} allowed");
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
