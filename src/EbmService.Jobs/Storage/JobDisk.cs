using System.Security.Cryptography;
using EbmService.Core.Files;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Every write of a job's file: to a temporary name, to the disk, then renamed, in a folder that is made where it is missing; a reader sees all of a file
/// or none, also after a power cut. Thread-safe. A test derives from it to be a full disk or a process that died.
/// </summary>
internal class JobDisk
{
    public const string TemporarySuffix = ".tmp";

    public static string Hash(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <returns>SHA-256 of the content (without the head), 64 hex digits.</returns>
    public string Write(string path, ReadOnlySpan<byte> content, ReadOnlySpan<byte> head = default)
    {
        DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
        string temporary = path + TemporarySuffix;
        Changing(temporary);
        DurableFiles.Write(temporary, head, content);
        Changing(path);
        DurableFiles.Rename(temporary, path);
        return Hash(content);
    }

    /// <summary>Called before the disk changes at that path.</summary>
    protected virtual void Changing(string path)
    {
    }
}
