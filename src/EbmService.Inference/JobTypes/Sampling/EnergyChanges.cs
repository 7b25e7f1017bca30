using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>E-BFMI of a block's chains from the Hamiltonians after the warm-up; nothing for kernels without momentum refreshment.</summary>
internal sealed class EnergyChanges(int chains, int warmup)
{
    private readonly double[] _energies = new double[chains];
    private EbfmiAccumulator? _accumulator;

    /// <value>The smallest of the chains; null where there is none.</value>
    public double? Smallest => _accumulator?.Values().Min();

    /// <summary>Takes the step just done.</summary>
    public void Record(ChainState state)
    {
        if (state is not HmcState { Hamiltonian: { } hamiltonian } || state.Step <= warmup)
            return;
        _accumulator ??= new EbfmiAccumulator(chains);
        state.CopyReported(hamiltonian, _energies);
        _accumulator.Add(_energies);
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        if (_accumulator?.Save() is not { } saved)
            return;
        tensors["ebfmi.counts"] = SafetensorsTensor.FromInt64(saved.Counts, [chains]);
        tensors["ebfmi.sums"] = SafetensorsTensor.FromDoubles(
            [.. saved.Means, .. saved.SquaredDeviations, .. saved.SquaredChanges, .. saved.Last], [4, chains]);
    }

    /// <exception cref="InvalidCheckpointException">The sums are not of this block.</exception>
    public void Restore(SafetensorsFile file)
    {
        if (!file.Tensors.TryGetValue("ebfmi.counts", out SafetensorsTensor? counts))
            return;
        double[][] sums = [.. file["ebfmi.sums"].ToDoubles().Chunk(chains)];
        if (counts.Count != chains || sums.Length != 4 || sums[^1].Length != chains)
            throw new InvalidCheckpointException("the checkpoint's energy changes are not of this block");
        _accumulator = EbfmiAccumulator.Load(new EbfmiState(counts.ToInt64(), sums[0], sums[1], sums[2], sums[3]));
    }
}
