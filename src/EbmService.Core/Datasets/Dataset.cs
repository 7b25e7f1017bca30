using EbmService.Core.Failures;

namespace EbmService.Core.Datasets;

/// <summary>Rows that were uploaded under a name; what they are never changes.</summary>
/// <param name="Name">Letters, digits, '-', '_' and '.'.</param>
/// <param name="Rows">How many.</param>
/// <param name="Shape">Of one row.</param>
/// <param name="Dtype"><c>uint8</c> (of image models the pixel levels, 0 to 255) or <c>float32</c>.</param>
/// <param name="Min">The smallest number.</param>
/// <param name="Max">The largest number.</param>
/// <param name="IsBinary">Whether all numbers are 0 and 1, or of uint8 rows all 0 and 255.</param>
/// <param name="Sha256">Of the rows as a .npy file, 64 hex digits: equal rows are stored once.</param>
/// <param name="Bytes">On the disk, with labels.</param>
public sealed record Dataset(
    string Name, int Rows, IReadOnlyList<int> Shape, string Dtype, double Min, double Max, bool IsBinary, string Sha256, long Bytes)
{
    public const string Uint8 = "uint8";
    public const string Float32 = "float32";

    /// <value>Of the labels as a .npy file; null where there are none.</value>
    public string? LabelsSha256 { get; init; }

    /// <value>How many rows each class has, by class index; null where there are no labels.</value>
    public IReadOnlyDictionary<int, int>? LabelCounts { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <value>Numbers in one row.</value>
    public int RowLength => Shape.Aggregate(1, (product, size) => checked(product * size));
}

/// <summary>Finds uploaded data sets. Thread-safe.</summary>
public interface IDatasets
{
    /// <summary>By name, or <see cref="FailureCode.DatasetNotFound"/>.</summary>
    Outcome<Dataset> Find(string name);

    /// <value>By name.</value>
    IReadOnlyList<Dataset> List();

    /// <summary>Opens stored rows or labels for reading in parts: a seekable stream that the caller disposes.</summary>
    /// <param name="sha256">Of a .npy file.</param>
    /// <exception cref="FailureException">It is gone or damaged.</exception>
    Stream Open(string sha256);
}

/// <summary>There are none.</summary>
public sealed class NoDatasets : IDatasets
{
    public static NoDatasets Instance { get; } = new();

    public Outcome<Dataset> Find(string name) => new Failure(FailureCode.DatasetNotFound, $"There is no dataset '{name}'.");

    public IReadOnlyList<Dataset> List() => [];

    public Stream Open(string sha256) => throw new FailureException(new Failure(FailureCode.DatasetNotFound, "There are no datasets here."));
}

/// <summary>Makes rows of files that clients send: npy, npz, IDX, zip of PNG files, CSV, each also under gzip. Thread-safe.</summary>
public interface IDatasetConverter
{
    /// <summary>Reads <paramref name="rows"/>, whose kind is told from its first bytes, and writes canonical .npy files. Memory does not grow with the rows.</summary>
    /// <param name="rows">Seekable.</param>
    /// <param name="labels">Class indices as npy, IDX or CSV, seekable; null where <paramref name="rows"/> holds them itself or there are none.</param>
    /// <param name="limits">What is read at most.</param>
    /// <param name="rowsTo">Takes the rows: seekable, for the header is written last.</param>
    /// <param name="labelsTo">Takes the labels.</param>
    /// <returns>What it is, with empty names and hashes; or field errors of <c>rows</c> and <c>labels</c>.</returns>
    Outcome<DatasetContent> Convert(Stream rows, Stream? labels, DatasetLimits limits, Stream rowsTo, Stream labelsTo);

    /// <summary>The first rows as a picture, where they are images; null else.</summary>
    byte[]? Draw(Dataset dataset, Stream rows, int most);
}

/// <summary>What a file of rows turned out to be.</summary>
public sealed record DatasetContent(
    int Rows, IReadOnlyList<int> Shape, string Dtype, double Min, double Max, bool IsBinary, IReadOnlyDictionary<int, int>? LabelCounts);

/// <summary>What one upload may hold.</summary>
/// <param name="MaxEntries">Of an archive.</param>
/// <param name="MaxContentBytes">After inflation.</param>
/// <param name="Stage">Makes an empty file for what is inflated, which goes when it is closed.</param>
public sealed record DatasetLimits(int MaxEntries, long MaxContentBytes, Func<Stream> Stage);
