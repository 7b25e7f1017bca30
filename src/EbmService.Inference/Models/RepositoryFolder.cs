using System.Globalization;
using System.Runtime.InteropServices;
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
        return length <= limit
            ? ReadAll(file, length, name) : throw new InvalidModelException($"'{name}' has {length} bytes, more than the {limit} allowed");
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

/// <summary>
/// Where a path leads once every link is followed. On Linux the system says so of an open file: the text of a link is no answer
/// where it leads through another mount namespace (<c>/proc/PID/root</c>). Elsewhere the links are followed one by one.
/// </summary>
/// <param name="Path">The absolute path without links, as its own mount namespace names it.</param>
/// <param name="Identity">The mount and the inode; empty where the system does not tell.</param>
internal readonly record struct RealPath(string Path, (string Mount, string Inode) Identity)
{
    private const int MaxLinks = 40;
    private const int OpenPathOnly = 0x200000 | 0x80000; // O_PATH | O_CLOEXEC
    private const int NoSuchFile = 2, NoAccess = 13, NoFolder = 20;

    /// <returns>Null where there is nothing.</returns>
    /// <exception cref="IOException">Links form a loop, or the system can't follow them.</exception>
    internal static RealPath? Of(string path)
    {
        if (!OperatingSystem.IsLinux())
            return System.IO.Path.Exists(path) ? new RealPath(Follow(path), default) : null;
        using var handle = new SafeFileHandle(OpenNative(path, OpenPathOnly), ownsHandle: true);
        if (!handle.IsInvalid)
            return OfOpen(handle, path);
        int error = Marshal.GetLastPInvokeError();
        return error switch
        {
            NoSuchFile or NoFolder => null,
            NoAccess => throw new UnauthorizedAccessException("a folder on the way may not be passed"),
            _ => throw new IOException($"the path can't be followed (error {error.ToString(CultureInfo.InvariantCulture)})"),
        };
    }

    /// <summary>Where an open file lies: what is read from it afterwards comes from there, whatever becomes of the links.</summary>
    /// <param name="path">What it was opened by.</param>
    internal static RealPath OfOpen(SafeFileHandle handle, string path)
    {
        if (!OperatingSystem.IsLinux())
            return new RealPath(Follow(path), default);
        string number = handle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        string target = new FileInfo($"/proc/self/fd/{number}").LinkTarget
            ?? throw new IOException("the system does not say where the file lies");
        Dictionary<string, string> facts = File.ReadLines($"/proc/self/fdinfo/{number}")
            .Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => parts[1].Trim());
        return new RealPath(target, (facts.GetValueOrDefault("mnt_id", ""), facts.GetValueOrDefault("ino", "")));
    }

    /// <summary>Whether the other one is this folder or lies in it.</summary>
    internal bool Contains(RealPath other)
    {
        bool isBelow = other.Path == Path
            || other.Path.StartsWith(
                Path.TrimEnd(System.IO.Path.DirectorySeparatorChar) + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal);
        // The paths of two mounts compare only where both are names in this process's own namespace.
        return isBelow && (other.Identity.Mount == Identity.Mount || (IsNamedHere && other.IsNamedHere));
    }

    private bool IsNamedHere => Of(Path) is { } here && here.Identity == Identity;

    private static string Follow(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        string current = System.IO.Path.GetPathRoot(full)!;
        var left = new Stack<string>(Components(full[current.Length..]).Reverse());
        int links = 0;
        while (left.TryPop(out string? component))
        {
            string next = component == ".."
                ? System.IO.Path.GetDirectoryName(current) ?? current : System.IO.Path.Combine(current, component);
            if (component == ".." || new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }
            if (++links > MaxLinks)
                throw new IOException("too many links");
            if (System.IO.Path.IsPathRooted(target))
            {
                current = System.IO.Path.GetPathRoot(target)!;
                target = target[current.Length..];
            }
            foreach (string part in Components(target).Reverse())
                left.Push(part);
        }
        return current;
    }

    private static IEnumerable<string> Components(string path) =>
        path.Split(System.IO.Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false,
        ThrowOnUnmappableChar = true)]
    private static extern nint OpenNative(string path, int flags);
}
