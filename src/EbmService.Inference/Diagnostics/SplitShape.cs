namespace EbmService.Inference.Diagnostics;

/// <summary>
/// Where draws lie once each chain is cut in two: row-major (half, 2 chains), first halves in the first columns. The middle draw
/// of an odd number belongs to neither.
/// </summary>
internal readonly record struct SplitShape(int Draws, int Chains)
{
    public int Half => Draws / 2;

    /// <value>Split chains.</value>
    public int Columns => 2 * Chains;

    /// <value>Draws in all split chains.</value>
    public int Count => Half * Columns;

    /// <summary>The place of a draw given by its index in (draws, chains), or -1 for a middle draw.</summary>
    public int PlaceOf(int index)
    {
        (int draw, int chain) = Math.DivRem(index, Chains);
        if (draw < Half)
            return draw * Columns + chain;
        int row = draw - (Draws - Half);
        return row < 0 ? -1 : row * Columns + Chains + chain;
    }

    public void Split(ReadOnlySpan<double> values, Span<double> split)
    {
        for (int row = 0; row < Half; row++)
        {
            values.Slice(row * Chains, Chains).CopyTo(split[(row * Columns)..]);
            values.Slice((row + Draws - Half) * Chains, Chains).CopyTo(split[(row * Columns + Chains)..]);
        }
    }
}
