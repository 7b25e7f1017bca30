namespace EbmService.Inference.Diagnostics;

/// <summary>
/// E-BFMI of each chain, from energies as they come and without keeping them: the estimated Bayesian fraction of missing information
/// (Betancourt 2016), the mean squared change of the energy from draw to draw over the energy's variance; below about 0.3 momenta resample
/// the energy too slowly. ArviZ's <c>bfmi</c>. For kernels with momenta the energy is the Hamiltonian. Saved and loaded it goes on to the
/// bit. Not thread-safe.
/// </summary>
public sealed class EbfmiAccumulator
{
    private readonly long[] _counts;
    private readonly double[] _means;
    private readonly double[] _squaredDeviations;
    private readonly double[] _squaredChanges;
    private readonly double[] _last;

    public EbfmiAccumulator(int chains)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chains, 1);
        _counts = new long[chains];
        _means = new double[chains];
        _squaredDeviations = new double[chains];
        _squaredChanges = new double[chains];
        _last = new double[chains];
    }

    public int Chains => _counts.Length;

    /// <exception cref="ArgumentException">The arrays differ in length or are empty.</exception>
    public static EbfmiAccumulator Load(EbfmiState state)
    {
        var loaded = new EbfmiAccumulator(state.Counts.Length);
        double[][] parts = [state.Means, state.SquaredDeviations, state.SquaredChanges, state.Last];
        if (Array.Exists(parts, part => part.Length != loaded.Chains))
            throw new ArgumentException("arrays of different lengths", nameof(state));
        state.Counts.CopyTo(loaded._counts, 0);
        state.Means.CopyTo(loaded._means, 0);
        state.SquaredDeviations.CopyTo(loaded._squaredDeviations, 0);
        state.SquaredChanges.CopyTo(loaded._squaredChanges, 0);
        state.Last.CopyTo(loaded._last, 0);
        return loaded;
    }

    public EbfmiState Save() => new(
        [.. _counts], [.. _means], [.. _squaredDeviations], [.. _squaredChanges], [.. _last]);

    /// <summary>The next energy of every chain.</summary>
    /// <exception cref="ArgumentException">Not one energy per chain.</exception>
    public void Add(ReadOnlySpan<double> energies)
    {
        CheckLength(energies.Length);
        for (int chain = 0; chain < energies.Length; chain++)
            Add(chain, energies[chain]);
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{double})"/>
    public void Add(ReadOnlySpan<float> energies)
    {
        CheckLength(energies.Length);
        for (int chain = 0; chain < energies.Length; chain++)
            Add(chain, energies[chain]);
    }

    /// <summary>The next energy of one chain, when chains stop at different steps.</summary>
    public void Add(int chain, double energy)
    {
        long count = ++_counts[chain];
        if (count > 1)
            _squaredChanges[chain] += (energy - _last[chain]) * (energy - _last[chain]);
        // Welford (1962): sums of squares would lose the digits of large energies.
        double before = energy - _means[chain];
        _means[chain] += before / count;
        _squaredDeviations[chain] += before * (energy - _means[chain]);
        _last[chain] = energy;
    }

    /// <summary>One value per chain; null for fewer than 2 energies, for energies not finite and for energies that don't change.</summary>
    public double?[] Values()
    {
        var values = new double?[Chains];
        for (int chain = 0; chain < values.Length; chain++)
        {
            // Mean change and variance are both sums by count - 1.
            double value = _squaredChanges[chain] / _squaredDeviations[chain];
            values[chain] = double.IsFinite(value) ? value : null;
        }
        return values;
    }

    private void CheckLength(int length)
    {
        if (length != Chains)
            throw new ArgumentException($"{length} energies for {Chains} chains", nameof(length));
    }
}

/// <summary>What <see cref="EbfmiAccumulator"/> knows, for a checkpoint; one entry per chain in every array.</summary>
/// <param name="Counts">Energies seen.</param>
/// <param name="SquaredDeviations">Sum of squared deviations from the mean.</param>
/// <param name="SquaredChanges">Sum of squared changes from one energy to the next.</param>
/// <param name="Last">The newest energies.</param>
public sealed record EbfmiState(long[] Counts, double[] Means, double[] SquaredDeviations, double[] SquaredChanges, double[] Last);
