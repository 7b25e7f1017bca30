using System.Globalization;
using System.Text.Json;
using EbmService.Core.Jobs;

namespace EbmService.Cli.Sampling;

/// <summary>A finished job in a sentence or two, from its card.</summary>
internal static class SampleSummary
{
    private const double WorstRHat = 1.01;
    private const double LeastEss = 400;
    private const double LeastEbfmi = 0.3;

    public static string Of(JsonElement card, JobSnapshot job)
    {
        string why = job.StopReason == StopReason.Completed ? "" : $" ({job.StopReason})";
        string rate = job.Progress.RatePerSecond is { } speed ? string.Create(CultureInfo.InvariantCulture, $", {speed:N0} chain-steps/s") : "";
        JsonElement diagnostics = card.GetProperty("diagnostics");
        (string, double?)[] figures =
        [
            ("R-hat", Number(diagnostics, "rHat")), ("bulk ESS", Number(diagnostics, "essBulk")), ("tail ESS", Number(diagnostics, "essTail")),
            ("acceptance", Number(card, "acceptance")), ("E-BFMI", Number(card, "ebfmi")),
        ];
        string quality = string.Concat(figures.Where(figure => figure.Item2 is not null)
            .Select(figure => string.Create(CultureInfo.InvariantCulture, $", {figure.Item1} {figure.Item2:0.###}")));
        return string.Create(CultureInfo.InvariantCulture,
            $"Done after {card.GetProperty("stepsMax")} steps{why}: mean energy {Number(card, "energyMean"):F3}{quality}{rate}.");
    }

    /// <summary>What a reader of the samples should know.</summary>
    public static IEnumerable<string> Warnings(JsonElement card)
    {
        JsonElement diagnostics = card.GetProperty("diagnostics");
        if (card.GetProperty("divergedChains").GetArrayLength() is > 0 and var diverged)
            yield return $"{diverged} chains left the finite numbers and were frozen at their last finite point: lower --step-size";
        if (Number(card, "divergentTransitions") is > 0 and var divergent)
            yield return $"{divergent} transitions had too large an energy error: lower --step-size, or raise hmc.targetAcceptance";
        if (Number(card, "ebfmi") is < LeastEbfmi)
            yield return $"E-BFMI is below {LeastEbfmi.ToString(CultureInfo.InvariantCulture)}: energies move too little from one momentum to the next";
        double? rHat = Number(diagnostics, "rHat"), ess = Number(diagnostics, "essBulk");
        if (rHat > WorstRHat || ess < LeastEss)
            yield return "R-hat is above 1.01 or the bulk ESS below 400: the chains are not yet one sample of one distribution; "
                + "means over them say less than they seem to (docs/sampling.md)";
    }

    private static double? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
