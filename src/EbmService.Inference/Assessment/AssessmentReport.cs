using EbmService.Core.Models;

namespace EbmService.Inference.Assessment;

/// <summary>Everything that one evaluation measured: the file evaluation.json.</summary>
public sealed record AssessmentReport
{
    public required ModelReference Model { get; init; }

    public required string Command { get; init; }

    public required string Data { get; init; }

    public required long Seed { get; init; }

    public required string Device { get; init; }

    /// <value>Whether smaller sets were used; such numbers are for a look, not for a card.</value>
    public required bool Quick { get; init; }

    public required double EnergyMean { get; init; }

    public ClassificationReport? Classification { get; init; }

    public IReadOnlyList<OodReport> OutOfDistribution { get; init; } = [];

    /// <value>By score: the share of test rows with a conformal p-value of at most 0.05; should be about 0.05.</value>
    public IReadOnlyDictionary<string, double> ConformalShareAt05 { get; init; } = new Dictionary<string, double>();

    public ClassifierReport? IndependentClassifier { get; init; }

    public IReadOnlyList<ImageSamplesReport> ImageSamples { get; init; } = [];

    public IReadOnlyList<VectorSamplesReport> VectorSamples { get; init; } = [];
}

/// <param name="Count">Test images.</param>
/// <param name="NegativeLogLikelihood">Of the right class, nats.</param>
/// <param name="ExpectedCalibrationError">Over 15 bins.</param>
public sealed record ClassificationReport(int Count, double Accuracy, double NegativeLogLikelihood, double ExpectedCalibrationError);

/// <summary>One score against one set.</summary>
public sealed record OodReport(string Set, int Count, string Score, OodMetrics Metrics);

/// <summary>The judge of class-conditional samples.</summary>
public sealed record ClassifierReport(double TestAccuracy, int Parameters, double TrainingSeconds);

/// <summary>Class-conditional samples from uniform noise.</summary>
public sealed record ImageSamplesReport
{
    public required int Chains { get; init; }

    public required int Steps { get; init; }

    public required string Recipe { get; init; }

    public required double EnergyMean { get; init; }

    /// <value>Share of samples that the independent classifier calls by the asked label.</value>
    public required double Agreement { get; init; }

    public required IReadOnlyList<double> AgreementPerClass { get; init; }

    /// <value>Mean of the independent classifier's largest probability.</value>
    public required double Confidence { get; init; }

    /// <value>Mean pairwise L2 distance within a class, relative to real images of the class; 1 = as varied as they are.</value>
    public required double Diversity { get; init; }

    public required IReadOnlyList<double> DiversityPerClass { get; init; }

    /// <value>Mean L2 distance to the nearest training image, over that of test images; near 0 would mean copies.</value>
    public required double NearestTrainingDistance { get; init; }

    /// <value>The least of the samples' distances to a training image, over the mean of test images.</value>
    public required double NearestTrainingDistanceLeast { get; init; }
}

/// <summary>Samples of a vector model.</summary>
public sealed record VectorSamplesReport
{
    public required int Chains { get; init; }

    public required int Steps { get; init; }

    public required string Recipe { get; init; }

    public required double EnergyMean { get; init; }

    /// <value>2 E|X - Y| - E|X - X'| - E|Y - Y'| between samples and test rows (Szekely and Rizzo 2013), unbiased, so chance may make it negative; 0 = equal distributions.</value>
    public required double EnergyDistance { get; init; }

    /// <value>The same between two sets of test rows of that size: what chance alone gives.</value>
    public required double EnergyDistanceOfData { get; init; }

    /// <value>Two moons: share within three standard deviations of the data's noise of an arc.</value>
    public double? NearMoons { get; init; }

    /// <value>The same share for test rows.</value>
    public double? NearMoonsOfData { get; init; }

    /// <value>Two moons: share nearer to the upper arc; 0.5 for the data.</value>
    public double? UpperMoon { get; init; }
}
