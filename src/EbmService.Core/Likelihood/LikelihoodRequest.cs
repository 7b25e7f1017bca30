using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Likelihood;

/// <summary>What a client asks to have estimated: log Z from both sides, and the log-likelihood of rows where some are given. All may be left out.</summary>
public sealed record LikelihoodRequest
{
    /// <value>Rows whose log-likelihood is asked for; none by default: then log Z alone is estimated.</value>
    public RowsSource? Inputs { get; init; }

    /// <value>Whether rows of <c>inputs</c> may lie outside the model's range; refuse by default. The density is 0 there.</value>
    public OutOfRange? OutOfRange { get; init; }

    /// <value>Independent chains each way, 2 to 65 536; 100 by default.</value>
    public int? Chains { get; init; }

    /// <value>Distributions after the base, 1 to 100 000; 1000 by default.</value>
    public int? Bridges { get; init; }

    /// <value>Transitions at each bridge, 1 to 1000; 1 by default.</value>
    public int? Transitions { get; init; }

    /// <value>gibbs where the model has conditionals of discrete variables, else hmc, by default.</value>
    public LikelihoodKernel? Kernel { get; init; }

    /// <value>Of hmc, 1 to 1000; 10 by default.</value>
    public int? LeapfrogSteps { get; init; }

    /// <value>Of hmc and mala at every bridge, above 0: each transition takes between half and all of it. By default the pilot finds one for each bridge.</value>
    public double? StepSize { get; init; }

    /// <value>
    /// Inverse temperatures of the bridges, ascending from 0 to 1, in place of those that the pilot finds. <c>bridges</c> is their number less one and may be left out.
    /// </value>
    public IReadOnlyList<double>? Ladder { get; init; }

    /// <value>Chains of the pilot that finds the ladder and step sizes, 8 to 4096; 32 by default.</value>
    public int? PilotChains { get; init; }

    /// <value>T of exp(-E / T), above 0; 1 by default: what the model was trained for.</value>
    public double? Temperature { get; init; }

    /// <value>buffer for Gibbs where the model has a replay buffer and can begin at its means, else uniform, by default.</value>
    public LikelihoodBase? Base { get; init; }

    /// <value>Of the base normal; the middle of the input's range by default.</value>
    public double? BaseMean { get; init; }

    /// <value>Of the base normal, above 0; a quarter of the input's range by default.</value>
    public double? BaseDeviation { get; init; }

    /// <value>exact where all states can be listed (65 536 at most), else buffer where the model has one, else base, by default.</value>
    public LikelihoodStart? ReverseStart { get; init; }

    /// <value>Transitions at the model's own temperature before a reverse chain is taken for a sample, 0 to 1 000 000; 1000 by default, none with exact starts.</value>
    public int? ReverseSteps { get; init; }

    /// <value>Per-row estimates by reverse chains from the rows themselves (RAISE); none by default.</value>
    public RaiseSettings? Raise { get; init; }

    /// <value>
    /// Levels of the rows, 2 to 65 536: each number is put at a random place in the bin of its level (uniform dequantisation), and bits per dimension are of the levels.
    /// Of continuous variables; by default rows are taken as they are.
    /// </value>
    public int? DequantisationLevels { get; init; }

    /// <value>Nats by which the two sides may differ for a single figure to be quoted, above 0; 1 by default.</value>
    public double? Tolerance { get; init; }

    /// <value>That both bounds hold, (0.5, 1); 0.95 by default.</value>
    public double? Confidence { get; init; }

    /// <value>0 to 2^53 - 1; drawn at random and recorded by default.</value>
    public long? Seed { get; init; }

    /// <value>Chains that are scheduled and stored together, 1 to 4096; 50 by default.</value>
    public int? BlockSize { get; init; }
}

/// <summary>The reverse annealing importance sampling estimator (Burda, Grosse and Salakhutdinov 2015).</summary>
/// <param name="Rows">The first so many of the rows, at least 1.</param>
/// <param name="Chains">Chains of each row, 1 to 1000.</param>
public sealed record RaiseSettings(int Rows, int Chains = 10);
