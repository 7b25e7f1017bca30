using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Tensors;

namespace EbmService.Core.Rows;

/// <summary>Rows that a request works on: exactly one of <c>data</c>, <c>npy</c>, <c>job</c> and <c>dataset</c>.</summary>
public sealed record RowsSource
{
    /// <value>Rows (..., input): nested arrays or base64. They are kept beside the job, not in its spec.</value>
    public TensorPayload? Data { get; init; }

    /// <value>The same as a .npy file in base64, its values taken as they are.</value>
    public string? Npy { get; init; }

    /// <value>The same as another job's result.</value>
    public JobRows? Job { get; init; }

    /// <value>The name of an uploaded dataset: PUT /v1/datasets/{name}. uint8 rows of an image model are pixel levels.</value>
    public string? Dataset { get; init; }

    /// <value>The first row that is used, from 0; 0 by default.</value>
    public int? Offset { get; init; }

    /// <value>How many rows are used; all behind the offset by default.</value>
    public int? Count { get; init; }

    /// <value>Class indices, one per row that is used; those of a dataset come along by themselves.</value>
    public IReadOnlyList<int>? Labels { get; init; }

    /// <value>
    /// Whether each number becomes the upper end of the model's range where it is at least the middle of the range, else the lower
    /// one: gray levels for models of binary variables. false by default.
    /// </value>
    public bool? Binarise { get; init; }

    /// <value>SHA-256 of the rows' file, as a spec shows it; compared when given.</value>
    public string? Sha256 { get; init; }

    /// <value>SHA-256 of the labels' file, as a spec shows it; compared when given.</value>
    public string? LabelsSha256 { get; init; }

    /// <value>As a spec shows it; not read.</value>
    public string? File { get; init; }

    /// <value>As a spec shows it; not read.</value>
    public int? LabelsOffset { get; init; }

    /// <value>As a spec shows it; not read.</value>
    public bool? LabelsAreOfDataset { get; init; }
}

/// <summary>Rows that another job has left.</summary>
/// <param name="Id">The job.</param>
/// <param name="Result">The name of a .npy result.</param>
public sealed record JobRows(string Id, string Result = "samples.npy");

/// <summary>Rows of a validated spec, pinned by the SHA-256 of the file that holds them; immutable.</summary>
public sealed record RowsSpec
{
    /// <value>The name of the uploaded dataset; null for rows from elsewhere.</value>
    public string? Dataset { get; init; }

    /// <value>The job whose result they are; null for rows from elsewhere.</value>
    public JobRows? Job { get; init; }

    /// <value>The first row of the file that is used.</value>
    public int Offset { get; init; }

    /// <value>How many rows are used.</value>
    public required int Count { get; init; }

    /// <value>Of the file, 64 hex digits.</value>
    public required string Sha256 { get; init; }

    /// <value>Of the labels' file; null where there are none.</value>
    public string? LabelsSha256 { get; init; }

    /// <value>The file's name among the job's inputs.</value>
    public required string File { get; init; }

    /// <value>Whether gray levels become the ends of the range.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Binarise { get; init; }

    /// <value>The first label in the labels' file: those of a dataset are of all its rows.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int LabelsOffset { get; init; }

    [JsonIgnore]
    public bool HasLabels => LabelsSha256 is not null;

    /// <value>What <see cref="JobSpec.Inputs"/> has of it.</value>
    /// <param name="field">The member of the request, for errors: <c>spec.inputs</c>.</param>
    public IReadOnlyList<JobInput> Inputs(string field) =>
    [
        ToInput(field),
        .. HasLabels ? [LabelsInput(field)] : (JobInput[])[],
    ];

    /// <summary>The file of the rows.</summary>
    public JobInput ToInput(string field = "spec") => new(File, Job?.Id, Job?.Result, Sha256) { Field = field, Dataset = Dataset };

    /// <summary>The file of the labels.</summary>
    public JobInput LabelsInput(string field = "spec") =>
        new(LabelsFile(File), null, null, LabelsSha256!) { Field = field, Dataset = LabelsAreOfDataset ? Dataset : null };

    /// <value>Whether the labels are the dataset's own, not the request's.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LabelsAreOfDataset { get; init; }

    internal static string LabelsFile(string file) => "labels-" + file;
}
