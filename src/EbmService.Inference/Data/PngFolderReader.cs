namespace EbmService.Inference.Data;

/// <summary>
/// Reads a folder of PNG files of one size: a subfolder per class, or flat
/// without labels. Files in ordinal order of their names.
/// </summary>
public static class PngFolderReader
{
    /// <inheritdoc cref="PngImages.LabelsOf"/>
    /// <param name="channels">1 for gray, 3 for colour; files are converted.</param>
    /// <param name="background">The level that transparent pixels lie over; without it a file that has some is refused.</param>
    /// <exception cref="InvalidDatasetException">There are no images, one is unreadable, or sizes differ.</exception>
    public static ImageDataset Read(string folder, int channels = 1, byte? background = null)
    {
        string[] classes = [.. Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        int[] labelOf = PngImages.LabelsOf(classes);
        var images = new PngImages(channels, background);
        var labels = new List<int>();
        foreach (string path in classes.Length == 0 ? Files(folder) : [])
            Add(images, path);
        for (int i = 0; i < classes.Length; i++)
        {
            foreach (string path in Files(Path.Combine(folder, classes[i])))
            {
                Add(images, path);
                labels.Add(labelOf[i]);
            }
        }
        return images.ToDataset(classes.Length == 0 ? null : [.. labels]);
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder).Where(path => path.EndsWith(".png", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal);

    private static void Add(PngImages images, string path)
    {
        string name = Path.GetFileName(path);
        if (new FileInfo(path).Length > PngImages.MaxFileLength)
            throw new InvalidDatasetException($"'{name}' is over 32 MiB");
        images.Add(name, File.ReadAllBytes(path));
    }
}
