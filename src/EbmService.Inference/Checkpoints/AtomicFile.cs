using EbmService.Core.Files;

namespace EbmService.Inference.Checkpoints;

/// <summary>Writes a file so that a reader, also after a power cut, sees the old bytes or the new ones.</summary>
public static class AtomicFile
{
    public static void Write(string path, ReadOnlySpan<byte> content) => DurableFiles.Replace(path, content);

    /// <summary>As <see cref="Write(string, ReadOnlySpan{byte})"/>, for content that need not be in memory at once.</summary>
    public static void Write(string path, Stream content) => DurableFiles.Replace(path, content.CopyTo);
}
