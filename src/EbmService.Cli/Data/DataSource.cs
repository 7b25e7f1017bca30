using EbmService.Core.Models;
using EbmService.Inference.Data;
using EbmService.Inference.Training;

namespace EbmService.Cli.Data;

/// <summary>Where rows come from: the value of <c>--data</c>.</summary>
internal sealed class DataSource
{
    public const string Help =
        "mnist:DIR (the four IDX files of MNIST or a set like it, plain or .gz), idx:IMAGES[,LABELS], png:DIR (a subfolder "
        + "per class, or flat), "
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

    public static DataSource Parse(string text)
    {
        if (text == TwoMoons)
            return new DataSource(TwoMoons, "");
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? "" : text[..colon];
        if (kind is "mnist" or "idx" or "png")
            return new DataSource(kind, text[(colon + 1)..]);
        if (Directory.Exists(text))
            return new DataSource(HoldsMnist(text) ? "mnist" : "png", text);
        throw CliException.BadInput($"'{text}' is no data source: --data takes {Help}");
    }

    /// <summary>The rows to train on.</summary>
    public ITrainingData ReadTraining(InputSchema input) => IsTwoMoons
        ? new TwoMoonsData(TwoMoonsRows, TwoMoonsNoise, TwoMoonsSeed)
        : new ImageTrainingData(ReadImages(input), input);

    /// <summary>The rows that no training saw: MNIST's test images, other moons, or the whole of another source.</summary>
    public ITrainingData ReadTest(InputSchema input) => IsTwoMoons
        ? new TwoMoonsData(TwoMoonsRows / 2, TwoMoonsNoise, TwoMoonsSeed + 1)
        : new ImageTrainingData(ReadTestImages(input), input);

    public ImageDataset ReadTestImages(InputSchema input) =>
        _kind == "mnist" ? Checked(DatasetLocator.FindMnist(Folder()).ReadTest(), input) : ReadImages(input);

    public ImageDataset ReadImages(InputSchema input) => Checked(_kind switch
    {
        "mnist" => DatasetLocator.FindMnist(Folder()).ReadTrain(),
        "png" => PngFolderReader.Read(Folder(), input.Shape.Count == 3 ? input.Shape[0] : 1, background: input.BackgroundLevel()),
        "idx" => ReadIdx(),
        _ => throw CliException.BadInput($"'{_kind}' holds no images: use mnist:DIR, idx:IMAGES,LABELS or png:DIR"),
    }, input);

    private ImageDataset ReadIdx()
    {
        string[] files = _path.Split(',', StringSplitOptions.TrimEntries);
        if (files.Length > 2)
            throw CliException.BadInput("idx: takes one file of images and at most one of labels: idx:IMAGES,LABELS");
        return IdxReader.ReadDataset(files[0], files.Length == 2 ? files[1] : null);
    }

    private string Folder() => Directory.Exists(_path)
        ? _path
        : throw CliException.BadInput($"there is no folder '{_path}': 'ebm data mnist --out DIR' fetches MNIST");

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
