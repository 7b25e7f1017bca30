using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Replica exchange (Swendsen and Wang 1986) around any continuous kernel, with even and odd pairs of neighbours in turn (Okabe et al. 2001;
/// Syed et al. 2022). A chain is K rows side by side, one per temperature; row chain K + i begins at the i-th. Temperatures move and points stay:
/// neighbours i, j swap with probability min(1, exp((1/T_i - 1/T_j)(E_i - E_j))), kept momenta are scaled by sqrt(T_new / T_old). The state's
/// reported rows are those at the first temperature. Kernels that don't know the energy of the current point cost one more forward pass a round.
/// Two temperatures have one pair, which is tried in every round.
/// </summary>
internal sealed class ReplicaExchangeKernel(IKernel inner, IEnergyModel model, ChainPlan plan, TemperingSettings settings) : IKernel
{
    private const string RowsByLevel = "rowsByLevel";
    private readonly int _levels = settings.Temperatures.Count;
    private readonly float[] _ladder = [.. settings.Temperatures.Select(factor => (float)factor)];

    public ChainState Init(ChainStartPoints start)
    {
        using DisposeScope scope = NewDisposeScope();
        ChainState state = inner.Init(start);
        Device device = state.X.device;
        long chains = state.Rows / _levels;
        Tensor rows = state.Keep(RowsByLevel, arange(Kept(0L), Kept(chains * _levels), Kept(1L), device: device).view(chains, _levels));
        state.TemperatureFactors = state.Keep("temperatureFactors", Ladder(state).clone());
        state.ReportedRows = state.Keep("reportedRows", rows.select(1, 0).clone());
        state.SwapAcceptanceSum = state.Keep("swapAcceptanceSum", zeros([_levels - 1], device: device));
        state.SwapAttempts = state.Keep("swapAttempts", zeros([_levels - 1], dtype: ScalarType.Int64, device: device));
        return state;
    }

    public void Step(ChainState state, Generator generator)
    {
        inner.Step(state, generator);
        if (state.Step % settings.SwapEvery != 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        int first = _levels == 2 ? 0 : state.Step / settings.SwapEvery % 2;
        Tensor rows = state.Tensors[RowsByLevel];
        // Views: what is written to them is written to the rows by level.
        Tensor lower = rows.slice(1, first, _levels - 1, 2), upper = rows.slice(1, first + 1, _levels, 2);
        Tensor probability = Probability(state, lower, upper, first);
        Tensor accepted = rand(probability.shape, generator: generator, device: state.X.device).less(probability);
        CarryRecords(state, lower, upper, accepted);
        Tensor colder = where(accepted, upper, lower);
        upper.copy_(where(accepted, lower, upper));
        lower.copy_(colder);
        MoveTemperatures(state, rows);
        // The step is counted already.
        if (state.Step > plan.Warmup)
            Count(state, probability, first);
    }

    /// <returns>(chains, pairs); 0 where a row of the pair is frozen or at no finite energy.</returns>
    private Tensor Probability(ChainState state, Tensor lower, Tensor upper, int first)
    {
        Tensor energies = state.ExactEnergy ?? model.Energy(state.X, state.Labels);
        Tensor sound = energies.isfinite().logical_and_(state.Alive);
        Tensor At(Tensor values, Tensor rows) => values.index_select(0, rows.reshape(-1)).view(rows.shape);
        double temperature = plan.TemperatureAt(state.Step - 1);
        float[] colder = [.. Enumerable.Range(0, (_levels - first) / 2)
            .Select(pair => (float)((1 / settings.Temperatures[first + 2 * pair] - 1 / settings.Temperatures[first + 2 * pair + 1]) / temperature))];
        Tensor logRatio = At(energies, lower).sub_(At(energies, upper)).mul_(tensor(colder, device: state.X.device));
        Tensor both = At(sound, lower).logical_and_(At(sound, upper));
        return logRatio.clamp_(max: Kept(0)).exp_().masked_fill_(both.logical_not(), Kept(0));
    }

    /// <summary>
    /// What was recorded at a temperature stays with it, where it is not of the current point: the energy and gradient norm of kernels that take
    /// them before they move, and the Hamiltonian before the latest transition.
    /// </summary>
    private static void CarryRecords(ChainState state, Tensor lower, Tensor upper, Tensor accepted)
    {
        Tensor low = lower.reshape(-1), high = upper.reshape(-1), swapped = accepted.reshape(-1);
        foreach (Tensor? record in (Tensor?[])[state.Gradient is null ? state.Energy : null, state.Gradient is null ? state.GradientNorm : null, state.Hamiltonian])
        {
            if (record is null)
                continue;
            Tensor atLow = record.index_select(0, low), atHigh = record.index_select(0, high);
            record.scatter_(0, low, where(swapped, atHigh, atLow));
            record.scatter_(0, high, where(swapped, atLow, atHigh));
        }
    }

    private void MoveTemperatures(ChainState state, Tensor rows)
    {
        Tensor factors = state.TemperatureFactors!;
        Tensor before = factors.clone();
        factors.scatter_(0, rows.view(-1), Ladder(state));
        state.Momentum?.mul_(state.ByChain(factors.div(before).sqrt_()));
        state.ReportedRows!.copy_(rows.select(1, 0));
    }

    private void Count(ChainState state, Tensor probability, int first)
    {
        state.SwapAcceptanceSum!.slice(0, first, _levels - 1, 2).add_(probability.sum([0]), Kept(1));
        state.SwapAttempts!.slice(0, first, _levels - 1, 2).add_(Kept(probability.shape[0]), Kept(1));
    }

    /// <summary>The temperatures' factors chain by chain, (rows).</summary>
    private Tensor Ladder(ChainState state) => tensor(_ladder, device: state.X.device).repeat(state.Rows / _levels);
}
