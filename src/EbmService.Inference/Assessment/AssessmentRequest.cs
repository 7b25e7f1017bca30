using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;

namespace EbmService.Inference.Assessment;

/// <summary>What one evaluation is about.</summary>
public sealed record AssessmentRequest
{
    public required HostedModel Model { get; init; }

    /// <value>The command, for the report.</value>
    public required string Command { get; init; }

    public required string Data { get; init; }

    /// <value>Seeds synthetic sets, samples and the independent classifier.</value>
    public long Seed { get; init; } = 1;

    /// <value>Smaller sets and shorter chains, for a look.</value>
    public bool Quick { get; init; }

    /// <value>Labelled images for the independent classifier and the nearest-image check; null for vectors.</value>
    public ImageDataset? TrainImages { get; init; }

    public ImageDataset? TestImages { get; init; }

    /// <value>Rows that training did not see; null for images.</value>
    public TensorPayload? TestRows { get; init; }

    /// <value>Whether <see cref="TestRows"/> are two moons, and the standard deviation of their noise.</value>
    public double? TwoMoonsNoise { get; init; }

    /// <value>Named sets of images that are out of distribution.</value>
    public IReadOnlyDictionary<string, ImageDataset> OutOfDistribution { get; init; } = new Dictionary<string, ImageDataset>();

    /// <value>Read when it exists, written otherwise; null to train one for this evaluation alone.</value>
    public string? ClassifierFile { get; init; }
}

/// <summary>A report and the pictures that go with it.</summary>
/// <param name="Pictures">PNG bytes by file name.</param>
public sealed record AssessmentOutcome(AssessmentReport Report, IReadOnlyDictionary<string, byte[]> Pictures);
