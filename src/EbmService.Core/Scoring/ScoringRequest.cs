using EbmService.Core.Rows;
using EbmService.Core.Tensors;

namespace EbmService.Core.Scoring;

/// <summary>What a client asks to have scored. The rows come as exactly one of <c>data</c>, <c>npy</c>, <c>job</c> and <c>dataset</c>; all else may be left out.</summary>
public sealed record ScoringRequest
{
    /// <value>
    /// What to compute of each row: energy, logits, the OOD scores logDensity, approximateMass, maxProbability, maxLogit, negativeEntropy, chainDisplacement and
    /// energyDrop, those that the model's calibration brings along (typicality, mahalanobis, relativeMahalanobis, nearestNeighbour, virtualLogit, classDensity,
    /// clippedFeatures, combined), and pValue. Logits and three of the scores need a model with classes, pValue one with a calibration. energy by default.
    /// </value>
    public IReadOnlyList<string>? Outputs { get; init; }

    /// <value>The OOD score behind pValue; the calibration's own choice by default.</value>
    public string? Score { get; init; }

    /// <value>A calibration of the model: a name, name@version, or bundled; its default by default.</value>
    public string? Calibration { get; init; }

    /// <value>The calibration's id, as a spec shows it; compared when given.</value>
    public string? CalibrationId { get; init; }

    /// <value>Rows (..., input): nested arrays or base64. They are kept beside the job, not in its spec.</value>
    public TensorPayload? Data { get; init; }

    /// <value>The same as a .npy file of float32, float64 or uint8 in base64, its values taken as they are.</value>
    public string? Npy { get; init; }

    /// <value>The same as another job's result.</value>
    public JobRows? Job { get; init; }

    /// <value>The name of an uploaded dataset: PUT /v1/datasets/{name}. uint8 rows of an image model are pixel levels.</value>
    public string? Dataset { get; init; }

    /// <value>The first row that is scored, from 0; 0 by default.</value>
    public int? Offset { get; init; }

    /// <value>How many rows are scored; all behind the offset by default.</value>
    public int? Count { get; init; }

    /// <value>Whether gray levels become the ends of the model's range, for models of binary variables; false by default.</value>
    public bool? Binarise { get; init; }

    /// <value>Whether rows of data or npy may lie outside the model's range or alphabet; refuse by default. Another job's rows are taken as they are.</value>
    public Models.OutOfRange? OutOfRange { get; init; }

    /// <value>Rows that are scheduled and stored together, 8 to 65 536; 1024 by default.</value>
    public int? BlockSize { get; init; }

    /// <value>Sizes of the array before the input's own, as a spec shows them; compared when given.</value>
    public IReadOnlyList<int>? Shape { get; init; }

    /// <value>SHA-256 of the rows as a .npy file of float32, as a spec shows it; compared when given.</value>
    public string? Sha256 { get; init; }

    internal RowsSource Rows =>
        new() { Data = Data, Npy = Npy, Job = Job, Dataset = Dataset, Offset = Offset, Count = Count, Binarise = Binarise };
}
