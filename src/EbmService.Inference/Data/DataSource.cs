using EbmService.Core.Models;
using EbmService.Inference.Training;

namespace EbmService.Inference.Data;

/// <summary>Where rows come from: the value of <c>--data</c>, and what a named data set of the service is.</summary>
public sealed class DataSource
{
    public const string Help =
        "mnist:DIR (the four IDX files of MNIST or a set like it, plain or .gz), idx:IMAGES[,LABELS], png:DIR (a subfolder "
        + "per class, or flat), zip:FILE (PNG files, a folder per class), npy:ROWS[,LABELS], csv:FILE (numbers; a column 'label'), "
        + "two-moons (made, not read). A bare DIR is MNIST when it holds its four files, else a folder of PNG.";

    private const string TwoMoons = "two-moons";
    private const int TwoMoonsRows = 20_000;
    private const int TwoMoonsSeed = 1;

    private readonly string _kind;
    private readonly string _path;

    private DataSource(string kind, string path) => (_kind, _path) = (kind, path);

    /// <value>The standard deviation of the made moons' noise.</value>
    public const double TwoMoonsNoise = 0.1;

    public bool IsTwoMoons => _kind == TwoMoons;

    /// <value>Provenance: what kind of data, without folders.</value>
    public string Name => _kind == TwoMoons
        ? $"two-moons ({TwoMoonsRows} rows, noise {TwoMoonsNoise})"
        : $"{_kind}:{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(_path.Split(',')[0])))}";

    /// <value>All files that are read, in ordinal order.</value>
    internal IEnumerable<string> Files => _kind == TwoMoons ? [] : _path.Split(',', StringSplitOptions.TrimEntries)
        .SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories) : [path]).Order(StringComparer.Ordinal);

    public static DataSource Parse(string text)
    {
        if (text == TwoMoons)
            return new DataSource(TwoMoons, "");
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? "" : text[..colon];
        if (kind is "mnist" or "idx" or "png" or "zip" or "npy" or "csv")
            return new DataSource(kind, text[(colon + 1)..]);
        if (Directory.Exists(text))
            return OfFolder(text);
        throw new InvalidDatasetException($"'{text}' is no data source; known are {Help}");
    }

    /// <summary>MNIST where the folder holds its four files, else PNG.</summary>
    internal static DataSource OfFolder(string path) => new(HoldsMnist(path) ? "mnist" : "png", path);

    /// <param name="kind">One that has a path: mnist, idx, png, zip, npy or csv.</param>
    internal static DataSource Of(string kind, string path) => new(kind, path);

    /// <summary>The rows to train on.</summary>
    /// <exception cref="InvalidDatasetException">They are damaged, or of another shape than the model takes.</exception>
    public ITrainingData ReadTraining(InputSchema input) => _kind switch
    {
        TwoMoons => new TwoMoonsData(TwoMoonsRows, TwoMoonsNoise, TwoMoonsSeed),
        "npy" => ReadNpy(input),
        "csv" => ArrayReader.ReadCsv(_path, input),
        _ => new ImageTrainingData(ReadImages(input), input),
    };

    /// <summary>The rows that no training saw: MNIST's test images, other moons, or the whole of another source.</summary>
    public ITrainingData ReadTest(InputSchema input) => _kind switch
    {
        TwoMoons => new TwoMoonsData(TwoMoonsRows / 2, TwoMoonsNoise, TwoMoonsSeed + 1),
        "mnist" => new ImageTrainingData(ReadTestImages(input), input),
        _ => ReadTraining(input),
    };

    public ImageDataset ReadTestImages(InputSchema input) =>
        _kind == "mnist" ? Checked(DatasetLocator.FindMnist(Folder()).ReadTest(), input) : ReadImages(input);

    public ImageDataset ReadImages(InputSchema input) => Checked(_kind switch
    {
        "mnist" => DatasetLocator.FindMnist(Folder()).ReadTrain(),
        "png" => PngFolderReader.Read(Folder(), ChannelsOf(input), background: input.BackgroundLevel()),
        "zip" => PngZipReader.Read(_path, ChannelsOf(input), background: input.BackgroundLevel()),
        "idx" => ReadIdx(),
        _ => throw new InvalidDatasetException($"'{_kind}' holds no images: use mnist:DIR, idx:IMAGES,LABELS, png:DIR or zip:FILE"),
    }, input);

    private ImageDataset ReadIdx()
    {
        string[] files = _path.Split(',', StringSplitOptions.TrimEntries);
        if (files.Length > 2)
            throw new InvalidDatasetException("idx: takes one file of images and at most one of labels: idx:IMAGES,LABELS");
        return IdxReader.ReadDataset(files[0], files.Length == 2 ? files[1] : null);
    }

    private ITrainingData ReadNpy(InputSchema input)
    {
        string[] files = _path.Split(',', StringSplitOptions.TrimEntries);
        if (files.Length > 2)
            throw new InvalidDatasetException("npy: takes one file of rows and at most one of labels: npy:ROWS,LABELS");
        return ArrayReader.ReadNpy(files[0], files.Length == 2 ? files[1] : null, input);
    }

    private static int ChannelsOf(InputSchema input) => input.Shape.Count == 3 ? input.Shape[0] : 1;

    private string Folder() => Directory.Exists(_path)
        ? _path
        : throw new InvalidDatasetException($"there is no folder '{_path}': 'ebm data mnist --out DIR' fetches MNIST");

    private static bool HoldsMnist(string folder)
    {
        try
        {
            DatasetLocator.FindMnist(folder);
            return true;
        }
        catch (InvalidDatasetException)
        {
            return false;
        }
    }

    private static ImageDataset Checked(ImageDataset images, InputSchema input) =>
        input.Shape.SequenceEqual([images.Channels, images.Height, images.Width])
            ? images
            : throw new InvalidDatasetException(
                $"the images have shape [{images.Channels}, {images.Height}, {images.Width}], the model takes "
                + $"[{string.Join(", ", input.Shape)}]");
}
