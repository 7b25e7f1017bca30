namespace EbmService.Inference.Diagnostics;

/// <summary>The draws of one quantity (an energy, a gradient norm, a projection) from several chains. Immutable.</summary>
public sealed class ChainDraws
{
    private readonly double[] _values;

    private ChainDraws(double[] values, int chains) => (_values, Chains) = (values, chains);

    /// <value>At least 1.</value>
    public int Chains { get; }

    /// <value>Draws of each chain; may be 0.</value>
    public int Draws => _values.Length / Chains;

    /// <value>Row-major (draws, chains).</value>
    internal ReadOnlySpan<double> Values => _values;

    /// <param name="values">Row-major (draws, chains): a new draw of all chains is appended at the end. Copied.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the number of chains.</exception>
    public static ChainDraws From(ReadOnlySpan<double> values, int chains)
    {
        CheckShape(values.Length, chains);
        return new(values.ToArray(), chains);
    }

    /// <param name="values">Row-major (draws, chains). Copied.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the number of chains.</exception>
    public static ChainDraws From(ReadOnlySpan<float> values, int chains)
    {
        CheckShape(values.Length, chains);
        var copy = new double[values.Length];
        for (int i = 0; i < copy.Length; i++)
            copy[i] = values[i];
        return new(copy, chains);
    }

    private static void CheckShape(int length, int chains)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chains, 1);
        if (length % chains != 0)
            throw new ArgumentException($"{length} values are no whole number of draws of {chains} chains", nameof(length));
    }
}
