using System.Globalization;
using System.Text;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Assessment;

/// <summary>What bfloat16 changes about a model: energies of the same inputs, and chains from the same seed.</summary>
public sealed record PrecisionReport(string Model, string Command, EnergyDifference Energies, IReadOnlyList<PrecisionChains> Chains)
{
    /// <summary>As Markdown.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Energies of {Energies.Inputs} test inputs: float32 mean {Energies.Mean:F4}, standard deviation {Energies.StandardDeviation:F4}; "
            + $"bfloat16 differs by {Energies.MeanAbsolute:G3} at the mean, {Energies.MaxAbsolute:G3} at most; correlation {Energies.Correlation:F6}; gradient norms differ by {Energies.GradientNormRelative:P2} at the mean.");
        text.AppendLine().AppendLine("| chains | precision | energy, mean +- MCSE | R-hat | bulk ESS | called as asked | chain-steps/s |").AppendLine("|---|---|---|---|---|---|---|");
        foreach (PrecisionChains chains in Chains)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {chains.Name} | {chains.Precision.ToString().ToLowerInvariant()} | {chains.EnergyMean:F4} +- {Or(chains.EnergyMcse, "F4")} | {Or(chains.RHat, "F3")} | {Or(chains.EssBulk, "F0")} | "
                + $"{Or(chains.Agreement, "P1")} | {Or(chains.ChainStepsPerSecond, "N0")} |");
        }
        return text.ToString();
    }

    private static string Or(double? figure, string format) => figure?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}

/// <summary>Energies of the same inputs in both precisions.</summary>
/// <param name="Mean">In float32, as the standard deviation.</param>
/// <param name="GradientNormRelative">Mean of |difference| / float32's norm.</param>
public sealed record EnergyDifference(
    int Inputs, double Mean, double StandardDeviation, double MeanAbsolute, double MaxAbsolute, double Correlation, double GradientNormRelative);

/// <summary>Chains of one spec in one precision.</summary>
/// <param name="EnergyMean">Over the draws after the warm-up, as the computation of the chain saw them.</param>
/// <param name="Agreement">Share of final states that the independent classifier calls as asked; null without labels.</param>
public sealed record PrecisionChains(
    string Name, SamplingPrecision Precision, double EnergyMean, double? EnergyMcse, double? RHat, double? EssBulk, double? Agreement, double? ChainStepsPerSecond);
