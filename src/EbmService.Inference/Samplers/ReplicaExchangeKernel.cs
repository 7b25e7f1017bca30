using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Replica exchange (Swendsen and Wang 1986) around any kernel, with even and odd pairs of neighbours in turn (Okabe et al. 2001;
/// Syed et al. 2022). A chain is K rows side by side, one per temperature; row chain K + i begins at the i-th. Temperatures move and points stay:
/// neighbours i, j swap with probability min(1, p_i(x_j) p_j(x_i) / (p_i(x_i) p_j(x_j))), p_i what the kernel samples at T_i: with exp(-E / T) that is
/// min(1, exp((1/T_i - 1/T_j)(E_i - E_j))). Kept momenta are scaled by sqrt(T_new / T_old). The state's reported rows are those at the first temperature.
/// Kernels that don't know the energy of the current point cost one more forward pass a round, blocked Gibbs two.
/// Two temperatures have one pair, which is tried in every round.
/// </summary>
/// <param name="conditionals">The model, where the inner kernel draws from its conditionals and thus from its own density; null for kernels that sample exp(-E / T).</param>
internal sealed class ReplicaExchangeKernel(
    IKernel inner, GradientPass pass, ChainPlan plan, TemperingSettings settings, IBlockConditionals? conditionals = null) : IKernel
{
    /// <summary>The inner kernel's step is complete, its swaps are not.</summary>
    private const int SwapPhase = int.MaxValue;

    private readonly int _levels = settings.Temperatures.Count;
    private readonly float[] _ladder = [.. settings.Temperatures.Select(factor => (float)factor)];

    public ChainState Init(ChainStartPoints start)
    {
        using DisposeScope scope = NewDisposeScope();
        ChainState state = inner.Init(start);
        state.Replicas = new ReplicaLadder(state, _ladder);
        return state;
    }

    public bool Advance(ChainState state, Generator generator, Func<bool> isSpent)
    {
        if (state.Phase != SwapPhase)
        {
            if (!inner.Advance(state, generator, isSpent))
                return false;
            if ((state.Step + 1) % settings.SwapEvery != 0)
                return true;
            (state.Phase, state.PassRow) = (SwapPhase, 0);
            if ((conditionals is not null || state is not CachedGradientState) && isSpent())
                return false;
        }
        using DisposeScope scope = NewDisposeScope();
        int first = _levels == 2 ? 0 : (state.Step + 1) / settings.SwapEvery % 2;
        Tensor rows = state.Replicas!.RowsByLevel;
        // Views: what is written to them is written to the rows by level.
        Tensor lower = rows.slice(1, first, _levels - 1, 2), upper = rows.slice(1, first + 1, _levels, 2);
        Tensor? known = conditionals is not null ? Gains(state, lower, upper, isSpent)
            : state is CachedGradientState ? state.Energy : pass.TakeEnergy(state, state.X, isSpent);
        if (known is null)
            return false;
        Tensor logRatio = conditionals is not null ? At(known, lower).add_(At(known, upper), Kept(1)) : OfEnergies(state, known, lower, upper, first);
        Tensor sound = (conditionals is not null ? state.Energy : known).IsSound().logical_and_(state.Alive);
        Swap(state, Probability(logRatio, At(sound, lower).logical_and_(At(sound, upper))), lower, upper, first, generator);
        return true;
    }

    /// <summary>How much each row's log density gains where its pair swaps, (rows); 0 for rows without a pair this time. Null where it was left.</summary>
    private Tensor? Gains(ChainState state, Tensor lower, Tensor upper, Func<bool> isSpent)
    {
        Tensor own = state.Replicas!.Factors.to(ScalarType.Float64).mul_(Kept(plan.TemperatureAt(state.Step))).reciprocal_(), other = own.clone();
        other.scatter_(0, lower.reshape(-1), At(own, upper).reshape(-1));
        other.scatter_(0, upper.reshape(-1), At(own, lower).reshape(-1));
        return pass.TakeNumbers(state, state.X, Gain, isSpent);

        Tensor Gain(int row, int count)
        {
            Tensor x = state.X.narrow(0, row, count);
            Tensor? labels = state.Labels?.narrow(0, row, count);
            return conditionals!.LogDensity(x, other.narrow(0, row, count), labels).sub_(conditionals.LogDensity(x, own.narrow(0, row, count), labels));
        }
    }

    /// <returns>(chains, pairs) float64.</returns>
    private Tensor OfEnergies(ChainState state, Tensor energies, Tensor lower, Tensor upper, int first)
    {
        double temperature = plan.TemperatureAt(state.Step);
        double[] colder = [.. Enumerable.Range(0, (_levels - first) / 2)
            .Select(pair => (1 / settings.Temperatures[first + 2 * pair] - 1 / settings.Temperatures[first + 2 * pair + 1]) / temperature)];
        return At(energies, lower).sub_(At(energies, upper)).mul_(tensor(colder, device: state.X.device));
    }

    private static Tensor At(Tensor values, Tensor rows) => values.index_select(0, rows.reshape(-1)).view(rows.shape);

    /// <returns>(chains, pairs); 0 where a row of the pair is frozen or at no finite energy.</returns>
    private static Tensor Probability(Tensor logRatio, Tensor sound) =>
        logRatio.clamp_(max: Kept(0)).exp_().masked_fill_(sound.logical_not(), Kept(0)).to(ScalarType.Float32);

    private void Swap(ChainState state, Tensor probability, Tensor lower, Tensor upper, int first, Generator generator)
    {
        Tensor accepted = rand(probability.shape, generator: generator, device: state.X.device).less(probability);
        CarryRecords(state, lower, upper, accepted);
        Tensor colder = where(accepted, upper, lower);
        upper.copy_(where(accepted, lower, upper));
        lower.copy_(colder);
        MoveTemperatures(state);
        if (state.Step >= plan.Warmup)
            state.Replicas!.Count(probability, first);
    }

    private static void CarryRecords(ChainState state, Tensor lower, Tensor upper, Tensor accepted)
    {
        Tensor low = lower.reshape(-1), high = upper.reshape(-1), swapped = accepted.reshape(-1);
        foreach (Tensor record in state.RecordsByTemperature)
        {
            Tensor atLow = record.index_select(0, low), atHigh = record.index_select(0, high);
            record.scatter_(0, low, where(swapped, atHigh, atLow));
            record.scatter_(0, high, where(swapped, atLow, atHigh));
        }
    }

    private void MoveTemperatures(ChainState state)
    {
        Tensor factors = state.Replicas!.Factors, rows = state.Replicas.RowsByLevel;
        Tensor before = factors.clone();
        factors.scatter_(0, rows.view(-1), ReplicaLadder.FactorsOf(state, _ladder));
        state.Reheat(factors.div(before));
        state.Replicas.ReportedRows.copy_(rows.select(1, 0));
    }
}

/// <summary>Which row of each chain is at which temperature, and how swaps went. Its tensors are the state's.</summary>
public sealed class ReplicaLadder
{
    internal ReplicaLadder(ChainState state, float[] ladder)
    {
        Ladder = ladder;
        Device device = state.X.device;
        long levels = ladder.Length, chains = state.Rows / levels;
        RowsByLevel = state.Keep("rowsByLevel", arange(Kept(0L), Kept(chains * levels), Kept(1L), device: device).view(chains, levels));
        Factors = state.Keep("temperatureFactors", FactorsOf(state, ladder).clone());
        ReportedRows = state.Keep("reportedRows", RowsByLevel.select(1, 0).clone());
        SwapAcceptanceSum = state.Keep("swapAcceptanceSum", zeros([levels - 1], device: device));
        SwapAttempts = state.Keep("swapAttempts", zeros([levels - 1], dtype: ScalarType.Int64, device: device));
    }

    /// <value>The factors, K.</value>
    internal IReadOnlyList<float> Ladder { get; }

    /// <value>(chains, K) int64.</value>
    internal Tensor RowsByLevel { get; }

    /// <value>A factor on the temperature per row (rows).</value>
    public Tensor Factors { get; }

    /// <value>The rows at the first temperature, in chain order (chains) int64.</value>
    public Tensor ReportedRows { get; }

    /// <value>Sums of the swaps' acceptance probabilities since the warm-up, per pair of neighbours in the ladder (K - 1).</value>
    public Tensor SwapAcceptanceSum { get; }

    /// <value>Swaps tried since the warm-up, per pair (K - 1) int64.</value>
    public Tensor SwapAttempts { get; }

    /// <param name="probability">(chains, pairs) of the pairs from <paramref name="first"/> on, every second one.</param>
    internal void Count(Tensor probability, int first)
    {
        long end = SwapAttempts.shape[0];
        SwapAcceptanceSum.slice(0, first, end, 2).add_(probability.sum([0]), Kept(1));
        SwapAttempts.slice(0, first, end, 2).add_(Kept(probability.shape[0]), Kept(1));
    }

    /// <summary>The temperatures' factors chain by chain, (rows).</summary>
    internal static Tensor FactorsOf(ChainState state, float[] ladder) => tensor(ladder, device: state.X.device).repeat(state.Rows / ladder.Length);
}
