using System.Globalization;
using EbmService.Core.Likelihood;
using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>What an estimate rests on, and whether a single figure of it may be quoted, in words.</summary>
internal static class LikelihoodTrust
{
    /// <summary>What chains that stay apart have much more of, at about 50 draws of each.</summary>
    private const double MaxRHat = 1.1;

    /// <summary>Nats; far in the tail where weights spread as little as a gap within a usual tolerance needs.</summary>
    private const double FarApart = 10;

    /// <returns>Empty where the figures can be quoted.</returns>
    /// <param name="implied">log Z by each reverse chain alone.</param>
    public static IReadOnlyList<string> ReasonsAgainst(LikelihoodSpec spec, LogZReport logZ, int forward, IReadOnlyList<double> implied)
    {
        int reverse = implied.Count;
        var reasons = new List<string>();
        if (forward < spec.Chains || reverse < spec.Chains)
            reasons.Add(Invariant($"Of {spec.Chains} chains each way {forward} came to their end forwards and {reverse} in reverse."));
        if (logZ.Forward?.Frozen + logZ.Reverse?.Frozen > 0)
            reasons.Add("Some chains left the finite numbers.");
        if (logZ is not { Lower: { } lower, Upper: { } upper })
            reasons.Add("There is no bound from one of the sides.");
        else if (lower > upper)
        {
            reasons.Add(Invariant($"The lower bound is {lower - upper:F2} nats above the upper one: the reverse chains did not begin at samples of the model. Ask for more reverseSteps."));
        }
        else if (upper - lower > spec.Tolerance)
        {
            reasons.Add(Invariant(
                $"The two sides are {upper - lower:F2} nats apart, more than the tolerance of {spec.Tolerance:G4}: ask for more bridges, transitions or chains."));
        }
        int apart = implied.Count(one => one > logZ.Upper + FarApart);
        if (spec.ReverseStart != LikelihoodStart.Exact && apart > 0)
        {
            reasons.Add(Invariant(
                $"{apart} of {reverse} reverse chains give a log Z more than {FarApart} nats above the upper bound: they are of a mode that the others and the forward chains do not reach, and how much of the mass is there is not known."));
        }
        if (spec.ReverseStart != LikelihoodStart.Exact && logZ.Reverse is { } side && side.StartCondition != StatisticsCondition.Measured)
            reasons.Add("Nothing can be said of whether the reverse chains are samples of the model: ask for 8 reverseSteps at least, or smaller steps where no chain moves.");
        else if (logZ.Reverse?.StartRHat is { } rHat && !(rHat <= MaxRHat))
        {
            reasons.Add(Invariant(
                $"The reverse chains had not come together before they were taken for samples (R-hat {rHat:F2}, at most {MaxRHat} is trusted): the upper bound rests on where they began."));
        }
        return reasons;
    }

    public static string DensityOf(LikelihoodSpec spec)
    {
        string temperature = spec.Temperature == 1 ? "exp(-E(x)) / Z" : Invariant($"exp(-E(x) / {spec.Temperature:G6}) / Z");
        string hidden = spec.Kernel == LikelihoodKernel.Gibbs && spec.Temperature != 1 ? "; hidden units that the energy sums out are tempered too" : "";
        string where = spec.Kernel == LikelihoodKernel.Gibbs ? "over all states" : spec.Base == LikelihoodBase.Normal ? "over all numbers" : "over the input's range, 0 outside";
        return $"p(x) = {temperature} {where}{hidden}";
    }

    public static string BaseOf(LikelihoodSpec spec) => spec.Base switch
    {
        LikelihoodBase.Normal => Invariant($"independent normal variables of mean {spec.BaseMean:G6} and deviation {spec.BaseDeviation:G6}"),
        LikelihoodBase.Buffer when spec.Kernel == LikelihoodKernel.Gibbs => "independent binary variables with the means of the replay buffer",
        LikelihoodBase.Buffer => "independent normal variables with the means and deviations of the replay buffer, cut off at the range",
        _ => spec.Kernel == LikelihoodKernel.Gibbs ? "uniform over the states" : "uniform over the range",
    };

    public static string DequantisationOf(LikelihoodSpec spec) => spec.DequantisationLevels is { } levels
        ? Invariant($"uniform noise within the bins of {levels} levels; bits per dimension are of the levels, an upper bound")
        : spec.Kernel == LikelihoodKernel.Gibbs ? "none: probabilities of discrete states" : "none: rows are taken as they are, and the likelihood is a density";

    public static IReadOnlyList<string> NotesOn(LikelihoodSpec spec)
    {
        string sides = Invariant(
            $"The bounds hold together with probability {spec.Confidence:G6} at least, whatever the distribution of the weights (Waudby-Smith and Ramdas 2024)");
        return
        [
            spec.ReverseStart == LikelihoodStart.Exact
                ? sides + ": the reverse chains begin at exact samples."
                : sides + Invariant($", the upper one if {spec.ReverseSteps} transitions from the {(spec.ReverseStart == LikelihoodStart.Buffer ? "replay buffer" : "base")} give samples of the model: nothing proves that."),
            "Standard errors and effective sizes are of what was drawn, and say nothing of what was not; a mode that neither side met is in neither.",
        ];
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
