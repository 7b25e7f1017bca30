namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>
/// Reads the zip checkpoints that PyTorch's <c>torch.save</c> writes (1.6 and later), weights only: a state dict alone or in a
/// dict. Nothing in the file is
/// executed. Thread-safe.
/// </summary>
/// <remarks>
/// https://pytorch.org/docs/stable/notes/serialization.html: one folder in the zip with <c>data.pkl</c>, the pickle, and
/// <c>data/KEY</c>, the storages as raw
/// little-endian numbers.
/// </remarks>
public static class TorchCheckpoint
{
    private const string Pickle = "data.pkl";

    /// <summary>Whether the bytes begin as a zip file does.</summary>
    public static bool IsZip(ReadOnlySpan<byte> bytes) => bytes.StartsWith("PK"u8);

    /// <summary>The checkpoint of a file held in memory; its tensors share that memory until they are read.</summary>
    /// <exception cref="InvalidCheckpointException">It is damaged, over a limit, or holds something else than weights.</exception>
    public static CheckpointGroup Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith((ReadOnlySpan<byte>)[0x80, 0x02, 0x8a, 0x0a]))
            throw new InvalidCheckpointException(
                "the file is of PyTorch's format before 1.6: load it and save it again with PyTorch 1.6 or later");
        var archive = new ZipDirectory(bytes);
        string prefix = PrefixOf(archive);
        if (archive.Contains(prefix + "constants.pkl"))
            throw new InvalidCheckpointException(
                "the file is TorchScript, which holds code: save the state dict alone, torch.save(model.state_dict(), FILE)");
        if (archive.Contains(prefix + "byteorder") && !archive.Read(prefix + "byteorder").Span.SequenceEqual("little"u8))
            throw new InvalidCheckpointException("the file is of a big-endian machine");
        return PickleReader.Read(archive.Read(prefix + Pickle).Span, new TorchGlobals(archive, prefix)) as CheckpointGroup
            ?? throw new InvalidCheckpointException("the file holds no dict: a state dict, or a dict with one in it, is expected");
    }

    private static string PrefixOf(ZipDirectory archive)
    {
        string[] pickles = [.. archive.Names.Where(name =>
            name.EndsWith("/" + Pickle, StringComparison.Ordinal) && name.Count(each => each == '/') == 1)];
        return pickles.Length == 1
            ? pickles[0][..^Pickle.Length]
            : throw new InvalidCheckpointException(
                $"the zip file is no checkpoint of torch.save: it has {pickles.Length} entries FOLDER/{Pickle}");
    }
}
