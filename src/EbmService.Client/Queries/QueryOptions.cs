using EbmService.Core.Models;

namespace EbmService.Client;

/// <summary>What all short queries may say beside their inputs.</summary>
public abstract record QueryOptions
{
    /// <value>The newest ready version by default.</value>
    public string? Version { get; init; }

    /// <value>What is done with values outside the model's range or alphabet; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }
}

/// <summary>Of E(x).</summary>
public sealed record EnergyOptions : QueryOptions
{
    /// <value>Whether to return dE/dx too; false by default.</value>
    public bool? Gradients { get; init; }
}

/// <summary>Of p(y | x).</summary>
public sealed record ClassifyOptions : QueryOptions
{
    /// <value>Descent steps on E(x) before classifying; 0 by default.</value>
    public int? RefineSteps { get; init; }

    /// <value>In (0, 1): an input whose OOD p-value is at or below it gets no label but <c>abstained</c>; labels throughout by
    /// default.</value>
    public double? AbstainBelow { get; init; }

    /// <value>The calibration whose temperature and p-values are used: a name, name@version or bundled; the version's default by
    /// default.</value>
    public string? Calibration { get; init; }
}

/// <summary>Of out-of-distribution scores.</summary>
public sealed record OodOptions : QueryOptions
{
    /// <value>The score behind the p-value; the model's own choice by default.</value>
    public string? Score { get; init; }

    /// <value>The false-positive rate of the verdict, in (0, 1); 0.05 by default.</value>
    public double? Alpha { get; init; }

    /// <value>The calibration: a name, name@version or bundled; the version's default by default.</value>
    public string? Calibration { get; init; }

    /// <value>In (0, 1): the expected share of false alarms among the discoveries of this batch. Left out by default.</value>
    public double? FalseDiscoveryRate { get; init; }
}
