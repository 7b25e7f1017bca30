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
        try
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            if (zip.Entries.Count > PngImages.MaxImages)
                throw new InvalidDatasetException($"the zip has {zip.Entries.Count} entries: at most {PngImages.MaxImages} are read");
            ZipArchiveEntry[] entries = [.. zip.Entries.Where(IsImage).OrderBy(entry => entry.FullName, StringComparer.Ordinal)];
            string[] folders = [.. entries.Select(FolderOf).Distinct().Order(StringComparer.Ordinal)];
            int[] labels = PngImages.LabelsOf(folders);
            Dictionary<string, int> labelOf = folders.Zip(labels).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
            var images = new PngImages(channels, background);
            long left = Math.Min(IdxReader.MaxDataLength, file.Length * MaxInflation);
            foreach (ZipArchiveEntry entry in entries)
                images.Add(entry.Name, Inflate(entry, ref left));
            return images.ToDataset(folders.Length <= 1 ? null : [.. entries.Select(entry => labelOf[FolderOf(entry)])]);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDatasetException("it is no whole zip file", e);
        }
    }

    /// <summary>Other tools leave their own files beside the images: hidden ones, and those of __MACOSX.</summary>
    private static bool IsImage(ZipArchiveEntry entry) => entry.Name.EndsWith(".png", StringComparison.OrdinalIgnoreCase)
        && !entry.Name.StartsWith('.') && !entry.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal);

    private static string FolderOf(ZipArchiveEntry entry)
    {
        string[] parts = entry.FullName.Split('/', '\\');
        return parts.Length > 1 ? parts[^2] : "";
    }

    private static ReadOnlySpan<byte> Inflate(ZipArchiveEntry entry, ref long left)
    {
        long most = Math.Min(PngImages.MaxFileLength, left);
        var content = new MemoryStream();
        var buffer = new byte[1 << 14];
        using Stream from = entry.Open();
        for (int read; (read = from.Read(buffer)) > 0;)
        {
            if (content.Length + read > most)
                throw new InvalidDatasetException($"'{entry.Name}' is over 32 MiB, or the zip inflates to more than {MaxInflation} times its size or 1 GiB");
            content.Write(buffer, 0, read);
        }
        left -= content.Length;
        return content.GetBuffer().AsSpan(0, (int)content.Length);
    }
}
