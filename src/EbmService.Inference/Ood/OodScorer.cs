using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>
/// OOD scores of one forward and one backward pass; for all of them higher = more in-distribution. Names are those of
/// answers, calibrations and model cards.
/// </summary>
public static class OodScorer
{
    /// <summary>-E(x), the unnormalized log-density.</summary>
    public const string LogDensity = "logDensity";

    /// <summary>-||dE/dx||: little slope, as at a mode (Grathwohl et al. 2020, approximate mass).</summary>
    public const string ApproximateMass = "approximateMass";

    /// <summary>max_y p(y | x) (Hendrycks and Gimpel 2017).</summary>
    public const string MaxProbability = "maxProbability";

    /// <summary>max_y f(x)[y].</summary>
    public const string MaxLogit = "maxLogit";

    /// <summary>Minus the entropy of p(y | x).</summary>
    public const string NegativeEntropy = "negativeEntropy";

    /// <summary>-|log-density - its mean over calibration data|; needs a calibration.</summary>
    public const string Typicality = "typicality";

    /// <summary>Minus how far noise-free steps of the model's recipe move the input; of more steps than one pass, so computed where asked for.</summary>
    public const string ChainDisplacement = "chainDisplacement";

    /// <summary>Minus how much the energy falls on that way.</summary>
    public const string EnergyDrop = "energyDrop";

    /// <summary>Minus the least squared Mahalanobis distance of the features to a class mean (Lee et al. 2018).</summary>
    public const string Mahalanobis = "mahalanobis";

    /// <summary>That less the distance to the mean of all (Ren et al. 2021).</summary>
    public const string RelativeMahalanobis = "relativeMahalanobis";

    /// <summary>Minus the distance to the 50th neighbour among fitted rows, features scaled to length one (Sun et al. 2022).</summary>
    public const string NearestNeighbour = "nearestNeighbour";

    /// <summary>Log-density less the length of the features outside their principal components (after ViM, Wang et al. 2022).</summary>
    public const string VirtualLogit = "virtualLogit";

    /// <summary>Log-density with large features cut off (ReAct, Sun et al. 2021).</summary>
    public const string ClippedFeatures = "clippedFeatures";

    /// <summary>Log-density of a Gaussian of the model's verdict at the middle layer.</summary>
    public const string ClassDensity = "classDensity";

    /// <summary>Log-density, the class densities of three layers and the features' residual, as one number.</summary>
    public const string Combined = "combined";

    /// <summary>Scores that every model has which has a gradient, each of several passes.</summary>
    public static IReadOnlyList<string> Chain { get; } = [ChainDisplacement, EnergyDrop];

    /// <summary>Scores that a calibration may bring along.</summary>
    public static IReadOnlyList<string> Fitted { get; } =
        [Typicality, Mahalanobis, RelativeMahalanobis, NearestNeighbour, VirtualLogit, ClassDensity, ClippedFeatures, Combined];

    /// <summary>The scores that this model has without a calibration.</summary>
    public static IReadOnlyList<string> Names(IEnergyModel model) => NamesOf(model.Classes);

    internal static IReadOnlyList<string> NamesOf(int classes) => classes > 0
        ? [LogDensity, ApproximateMass, MaxProbability, MaxLogit, NegativeEntropy]
        : [LogDensity, ApproximateMass];

    /// <summary>All scores of a batch (n, ...), in the order of <see cref="Names"/>: (scores, n) float32.</summary>
    internal static Tensor Score(IEnergyModel model, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(x);
        var rows = new List<Tensor> { energy.neg(), gradient.flatten(1).norm(1).neg().to(ScalarType.Float64) };
        if (model.Classes > 0)
        {
            using IDisposable noGradient = no_grad();
            Tensor logits = model.Logits(x)!;
            Tensor logProbabilities = logits.log_softmax(1);
            Tensor probabilities = logProbabilities.exp();
            rows.Add(probabilities.amax([1]));
            rows.Add(logits.amax([1]));
            rows.Add((probabilities * logProbabilities).sum(1));
        }
        return stack(rows).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
