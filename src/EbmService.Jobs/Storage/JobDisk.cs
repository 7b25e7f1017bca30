namespace EbmService.Jobs.Storage;

/// <summary>Every write of a job's file. Thread-safe. A test derives from it to be a full disk or a process that died.</summary>
internal class JobDisk
{
    /// <returns>SHA-256 of the content (without the head), 64 hex digits.</returns>
    public string Write(string path, ReadOnlySpan<byte> content, ReadOnlySpan<byte> head = default)
    {
        string temporary = path + AtomicFile.TemporarySuffix;
        Changing(temporary);
        AtomicFile.WriteTemporary(temporary, head, content);
        Changing(path);
        AtomicFile.Rename(temporary, path);
        return AtomicFile.Hash(content);
    }

    /// <summary>Called before the disk changes at that path.</summary>
    protected virtual void Changing(string path)
    {
    }
}
