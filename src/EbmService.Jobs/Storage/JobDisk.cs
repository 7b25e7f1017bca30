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

    /// <summary>Writes several files of one folder, which is waited for once.</summary>
    /// <returns>SHA-256 of each, 64 hex digits.</returns>
    public string[] WriteAll(string folder, IReadOnlyList<(string Path, ReadOnlyMemory<byte> Content)> files)
    {
        DurableFiles.CreateFolder(folder);
        foreach ((string path, ReadOnlyMemory<byte> content) in files)
        {
            Changing(path + TemporarySuffix);
            DurableFiles.Write(path + TemporarySuffix, [], content.Span);
        }
        foreach ((string path, _) in files)
        {
            Changing(path);
            File.Move(path + TemporarySuffix, path, overwrite: true);
        }
        DurableFiles.SyncFolder(folder);
        return [.. files.Select(file => Hash(file.Content.Span))];
    }

    /// <summary>Writes at the end of a file, cutting off what is behind it.</summary>
    public void Append(string path, long end, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
        Changing(path);
        DurableFiles.Append(path, end, parts);
    }

    /// <summary>Room on the disk of a folder that may not be there yet.</summary>
    public virtual long FreeBytes(string folder)
    {
        string at = folder;
        while (!Directory.Exists(at) && Path.GetDirectoryName(at) is { } parent)
            at = parent;
        return new DriveInfo(at).AvailableFreeSpace;
    }

    /// <summary>Called before the disk changes at that path.</summary>
    protected virtual void Changing(string path)
    {
    }
}
