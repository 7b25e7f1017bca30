using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EbmService.Jobs.Storage;

/// <summary>Writes a file so that a reader sees all of it or none, also after a power cut.</summary>
internal static class AtomicFile
{
    public const string TemporarySuffix = ".tmp";

    private const int ReadOnlyFlag = 0;

    /// <returns>SHA-256 of the content, 64 hex digits.</returns>
    public static string Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + TemporarySuffix;
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(path)!);
        return Hash(content);
    }

    public static string Hash(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>Makes the rename itself durable; .NET can't open a folder, and Windows needs no such call.</summary>
    private static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        int handle = OpenNative(path, ReadOnlyFlag);
        if (handle < 0)
            return;
        _ = SyncNative(handle);
        _ = CloseNative(handle);
    }

    [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int OpenNative(string path, int flags);

    [DllImport("libc", EntryPoint = "fsync")]
    private static extern int SyncNative(int handle);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int CloseNative(int handle);
}
