using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Queries;

/// <summary>What all short queries share: exactly one of <c>inputs</c> and <c>tensor</c>.</summary>
public abstract record QueryRequest
{
    /// <value>Nested arrays of shape [n, ...model shape]; one bare input is taken as a batch of one.</value>
    public NestedNumbers? Inputs { get; init; }

    /// <value>The same as base64.</value>
    public TensorInput? Tensor { get; init; }

    /// <value>What is done with values outside the model's range or alphabet; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }
}

/// <summary>E(x) per input.</summary>
public sealed record EnergyRequest : QueryRequest
{
    /// <value>Whether to return dE/dx too; false by default.</value>
    public bool? Gradients { get; init; }
}

/// <summary>p(y | x) per input.</summary>
public sealed record ClassifyRequest : QueryRequest
{
    /// <value>Descent steps on E(x) before classifying; 0 by default.</value>
    public int? RefineSteps { get; init; }

    /// <value>In (0, 1): an input whose OOD p-value is at or below it gets no label but <c>abstained</c>; labels throughout by default.</value>
    public double? AbstainBelow { get; init; }

    /// <value>The calibration whose temperature and p-values are used: a name, name@version or bundled; the version's default by default.</value>
    public string? Calibration { get; init; }
}

/// <summary>Out-of-distribution scores, p-value and verdict per input.</summary>
public sealed record OodRequest : QueryRequest
{
    /// <value>The score behind the p-value; the model's own choice by default.</value>
    public string? Score { get; init; }

    /// <value>The false-positive rate of the verdict, in (0, 1); 0.05 by default.</value>
    public double? Alpha { get; init; }

    /// <value>The calibration: a name, name@version or bundled; the version's default by default.</value>
    public string? Calibration { get; init; }

    /// <value>
    /// In (0, 1): the expected share of false alarms among the discoveries of this batch (Benjamini and Hochberg 1995); then each result has an adjusted p-value
    /// and whether it is a discovery. Left out by default.
    /// </value>
    public double? FalseDiscoveryRate { get; init; }
}
