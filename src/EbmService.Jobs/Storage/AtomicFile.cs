using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EbmService.Jobs.Storage;

/// <summary>The two halves of writing a file so that a reader sees all of it or none, also after a power cut.</summary>
internal static class AtomicFile
{
    public const string TemporarySuffix = ".tmp";

    private const int ReadOnlyFlag = 0;

    /// <summary>Writes both parts to a temporary file and waits until they are on the disk; what a full disk took is given back.</summary>
    public static void WriteTemporary(string path, ReadOnlySpan<byte> head, ReadOnlySpan<byte> content)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            file.Write(head);
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            File.Delete(path);
            throw;
        }
    }

    public static void Rename(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(path)!);
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
