using System.Globalization;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.Data;

/// <summary>
/// Reads a folder of PNG files of one size: a subfolder per class, or flat
/// without labels. Files in ordinal order of their names.
/// </summary>
public static class PngFolderReader
{
    /// <summary>The most images read from one folder.</summary>
    public const int MaxImages = 2_000_000;

    private const long MaxFileLength = 32 * 1024 * 1024;

    /// <summary>
    /// Where every subfolder's name is a number, that number is the label; else the labels count the names in ordinal order.
    /// </summary>
    /// <param name="channels">1 for gray, 3 for colour; files are converted.</param>
    /// <param name="background">The level that transparent pixels lie over; without it a file that has some is refused.</param>
    /// <exception cref="InvalidDatasetException">There are no images, one is unreadable, or sizes differ.</exception>
    public static ImageDataset Read(string folder, int channels = 1, byte? background = null)
    {
        string[] classes = [.. Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        List<(string Path, int Label)> files = classes.Length == 0 ? [.. Files(folder, 0)] : [];
        int[] labels = Labels(classes);
        for (int i = 0; i < classes.Length; i++)
            files.AddRange(Files(Path.Combine(folder, classes[i]), labels[i]));
        if (files.Count is 0 or > MaxImages)
            throw new InvalidDatasetException(
                files.Count == 0 ? "the folder holds no PNG files" : $"the folder holds more than {MaxImages} PNG files");

        var pixels = new List<byte[]>(files.Count);
        var kept = new List<int>(files.Count);
        (int Width, int Height)? size = null;
        foreach ((string path, int label) in files)
        {
            pixels.Add(ReadOne(path, channels, background, ref size));
            kept.Add(label);
        }
        if (size is not { } common)
            throw new InvalidDatasetException("the folder holds no readable PNG files");
        return new ImageDataset(
            Concatenate(pixels), channels, common.Height, common.Width,
            classes.Length == 0 ? null : [.. kept]);
    }

    private static IEnumerable<(string Path, int Label)> Files(string folder, int label) =>
        Directory.EnumerateFiles(folder).Where(path => path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal).Select(path => (path, label));

    private static int[] Labels(string[] classes)
    {
        int[] numbers = [.. classes.Select(
            name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1)];
        return numbers.Contains(-1) ? [.. Enumerable.Range(0, classes.Length)] : numbers;
    }

    private static byte[] ReadOne(string path, int channels, byte? background, ref (int Width, int Height)? size)
    {
        string name = Path.GetFileName(path);
        if (new FileInfo(path).Length > MaxFileLength)
            throw new InvalidDatasetException($"'{name}' is over 32 MiB");
        byte[] png = File.ReadAllBytes(path);
        if (!PngPixels.TryReadSize(png, out (int Width, int Height) found) || !PngPixels.IsWithinLimit(found))
            throw new InvalidDatasetException($"'{name}' is no PNG file of at most {PngPixels.MaxPixels} pixels");
        if (size is { } expected && expected != found)
            throw new InvalidDatasetException(
                $"'{name}' has {found.Width}x{found.Height} pixels, the files before it {expected.Width}x{expected.Height}");
        (byte[]? image, string? fault) = PngPixels.Decode(png, channels, background);
        if (image is null)
            throw new InvalidDatasetException($"'{name}' {fault}");
        size = found;
        return image;
    }

    private static byte[] Concatenate(List<byte[]> images)
    {
        int length = images[0].Length;
        var all = new byte[checked(images.Count * length)];
        for (int i = 0; i < images.Count; i++)
            images[i].CopyTo(all, i * length);
        return all;
    }
}
