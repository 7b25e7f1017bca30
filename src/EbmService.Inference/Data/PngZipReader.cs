using System.IO.Compression;

namespace EbmService.Inference.Data;

/// <summary>
/// Reads a zip of PNG files of one size: the folder that holds a file is its class, or all files lie together without labels. Nothing is written to a
/// disk; what an entry announces is not believed.
/// </summary>
public static class PngZipReader
{
    /// <summary>Times the archive's own size that its entries may hold together: PNG files hardly get smaller.</summary>
    public const int MaxInflation = 100;

    /// <inheritdoc cref="PngFolderReader.Read"/>
    public static ImageDataset Read(string path, int channels = 1, byte? background = null)
    {
        using FileStream file = File.OpenRead(path);
        return Read(file, channels, background);
    }

    /// <summary>Reads a seekable stream.</summary>
    internal static ImageDataset Read(Stream file, int channels = 1, byte? background = null)
    {
        var images = new PngImages(channels, background);
        var labels = new List<int>();
        ForEachFile(file, PngImages.MaxImages, IdxReader.MaxDataLength, (name, png, label) =>
        {
            images.Add(name, png.Span);
            if (label is { } index)
                labels.Add(index);
        });
        return images.ToDataset(labels.Count == 0 ? null : [.. labels]);
    }

    /// <summary>Inflates the PNG files of a seekable stream one by one, in ordinal order of their names.</summary>
    /// <param name="maxContent">Bytes of all files together, after inflation.</param>
    /// <param name="take">Takes a file's name, its bytes and the class that its folder stands for, of all files or of none.</param>
    /// <exception cref="InvalidDatasetException">It is no zip, has too many entries or a path in a name, or inflates to too much.</exception>
    internal static void ForEachFile(Stream file, int maxEntries, long maxContent, Action<string, ReadOnlyMemory<byte>, int?> take)
    {
        try
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            CheckEntries(zip, maxEntries);
            ZipArchiveEntry[] entries = [.. zip.Entries.Where(IsImage).OrderBy(entry => entry.FullName, StringComparer.Ordinal)];
            string[] folders = [.. entries.Select(FolderOf).Distinct().Order(StringComparer.Ordinal)];
            if (folders.Length > 1 && folders.Contains(""))
                throw new InvalidDatasetException("some images lie beside the folders of classes: put each into the folder of its class");
            int[] labels = PngImages.LabelsOf(folders);
            Dictionary<string, int> labelOf = folders.Zip(labels).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
            long left = Math.Min(maxContent, file.Length * MaxInflation);
            foreach (ZipArchiveEntry entry in entries)
                take(entry.Name, Inflate(entry, ref left), folders.Length <= 1 ? null : labelOf[FolderOf(entry)]);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDatasetException("it is no whole zip file", e);
        }
    }

    /// <summary>Nothing is written by an entry's name; one that leads out of its folder was made to harm somebody all the same.</summary>
    internal static void CheckEntries(ZipArchive zip, int maxEntries)
    {
        if (zip.Entries.Count > maxEntries)
            throw new InvalidDatasetException($"the zip has {zip.Entries.Count} entries: at most {maxEntries} are read");
        ZipArchiveEntry? bad = zip.Entries.FirstOrDefault(entry =>
            entry.FullName.Split('/', '\\').Contains("..") || entry.FullName is ['/' or '\\', ..] or [_, ':', ..]);
        if (bad is not null)
            throw new InvalidDatasetException($"the entry '{bad.FullName[..Math.Min(60, bad.FullName.Length)]}' leads out of the archive: names with '..' or from the root are refused");
    }

    /// <summary>Other tools leave their own files beside the images: hidden ones, and those of __MACOSX.</summary>
    private static bool IsImage(ZipArchiveEntry entry) => entry.Name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)
        && !entry.Name.StartsWith('.') && !entry.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal);

    private static string FolderOf(ZipArchiveEntry entry)
    {
        string[] parts = entry.FullName.Split('/', '\\');
        return parts.Length > 1 ? parts[^2] : "";
    }

    private static ReadOnlyMemory<byte> Inflate(ZipArchiveEntry entry, ref long left)
    {
        long most = Math.Min(PngImages.MaxFileLength, left);
        var content = new MemoryStream();
        var buffer = new byte[1 << 14];
        using Stream from = entry.Open();
        for (int read; (read = from.Read(buffer)) > 0;)
        {
            if (content.Length + read > most)
                throw new InvalidDatasetException($"'{entry.Name}' is over 32 MiB, or the zip inflates to more than {MaxInflation} times its size or than is read");
            content.Write(buffer, 0, read);
        }
        left -= content.Length;
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }
}
