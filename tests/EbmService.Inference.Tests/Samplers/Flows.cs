namespace EbmService.Inference.Tests.Samplers;

/// <summary>How many chains went from each cell to each other: in detailed balance as many as came back, up to the root of their number.</summary>
internal static class Flows
{
    /// <returns>The largest |N_ij - N_ji| / sqrt(N_ij + N_ji) over pairs with at least 30 moves.</returns>
    public static double LargestImbalance(int[] before, int[] after, int cells)
    {
        var moves = new int[cells, cells];
        for (int chain = 0; chain < before.Length; chain++)
            moves[before[chain], after[chain]]++;
        double largest = 0;
        for (int i = 0; i < cells; i++)
        {
            for (int j = 0; j < i; j++)
            {
                int both = moves[i, j] + moves[j, i];
                if (both >= 30)
                    largest = Math.Max(largest, Math.Abs(moves[i, j] - moves[j, i]) / Math.Sqrt(both));
            }
        }
        return largest;
    }
}
