using EbmService.Inference.Imaging;

namespace EbmService.Inference.Data;

/// <summary>Gathers decoded PNG files of one size.</summary>
/// <param name="channels">1 for gray, 3 for colour; files are converted.</param>
/// <param name="background">The level that transparent pixels lie over; without it a file that has some is refused.</param>
internal sealed class PngImages(int channels, byte? background)
{
    /// <summary>The most images of one set.</summary>
    public const int MaxImages = 2_000_000;

    /// <summary>The most bytes of one file.</summary>
    public const int MaxFileLength = 32 * 1024 * 1024;

    private readonly List<byte[]> _pixels = [];
    private (int Width, int Height)? _size;
    private long _bytes;

    /// <param name="name">For messages.</param>
    /// <exception cref="InvalidDatasetException">It is unreadable, or its size differs from those before it.</exception>
    public void Add(string name, ReadOnlySpan<byte> png)
    {
        if (!PngPixels.TryReadSize(png, out (int Width, int Height) found) || !PngPixels.IsWithinLimit(found))
            throw new InvalidDatasetException($"'{name}' is no PNG file of at most {PngPixels.MaxPixels} pixels");
        if (_size is { } expected && expected != found)
        {
            throw new InvalidDatasetException(
                $"'{name}' has {found.Width}x{found.Height} pixels, the files before it {expected.Width}x{expected.Height}");
        }
        (byte[]? image, string? fault) = PngPixels.Decode(png, channels, background);
        if (image is null)
            throw new InvalidDatasetException($"'{name}' {fault}");
        if ((_bytes += image.Length) > IdxReader.MaxDataLength || _pixels.Count == MaxImages)
            throw new InvalidDatasetException($"the images are more than {MaxImages}, or more than 1 GiB of pixels");
        _size = found;
        _pixels.Add(image);
    }

    /// <param name="labels">One for each image, or null.</param>
    /// <exception cref="InvalidDatasetException">There are no images.</exception>
    public ImageDataset ToDataset(int[]? labels)
    {
        if (_size is not { } size)
            throw new InvalidDatasetException("there are no PNG files in it");
        var all = new byte[_bytes];
        int at = 0;
        foreach (byte[] image in _pixels)
        {
            image.CopyTo(all, at);
            at += image.Length;
        }
        return new ImageDataset(all, channels, size.Height, size.Width, labels);
    }

    /// <summary>Where every class's name is a number, that number is the label; else labels count the names in ordinal order.</summary>
    /// <param name="classes">In ordinal order.</param>
    public static int[] LabelsOf(string[] classes)
    {
        int[] numbers = [.. classes.Select(name =>
            int.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) ? number : -1)];
        return numbers.Contains(-1) ? [.. Enumerable.Range(0, classes.Length)] : numbers;
    }
}
