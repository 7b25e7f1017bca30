namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>Over the samples of each item, number by number, (items, length) each.</summary>
/// <param name="Deviation">Standard deviation, over samples - 1.</param>
/// <param name="Low">The quantile (1 - level) / 2, between order statistics by straight lines.</param>
internal sealed record PixelStatistics(float[] Mean, float[] Deviation, float[] Low, float[] High)
{
    /// <param name="values">(items, samples, length).</param>
    public static PixelStatistics Of(ReadOnlySpan<float> values, int items, int samples, int length, double level)
    {
        var all = new PixelStatistics(new float[items * length], new float[items * length], new float[items * length], new float[items * length]);
        var one = new float[samples];
        for (int item = 0; item < items; item++)
        {
            for (int i = 0; i < length; i++)
            {
                for (int sample = 0; sample < samples; sample++)
                    one[sample] = values[(item * samples + sample) * length + i];
                int at = item * length + i;
                (all.Mean[at], all.Deviation[at]) = Moments(one);
                Array.Sort(one);
                (all.Low[at], all.High[at]) = (Quantile(one, (1 - level) / 2), Quantile(one, (1 + level) / 2));
            }
        }
        return all;
    }

    /// <summary>(samples, length) to (length).</summary>
    public static float[] MeanOf(ReadOnlySpan<float> values, int samples, int length)
    {
        var mean = new float[length];
        for (int i = 0; i < length; i++)
        {
            double sum = 0;
            for (int sample = 0; sample < samples; sample++)
                sum += values[sample * length + i];
            mean[i] = (float)(sum / samples);
        }
        return mean;
    }

    private static (float Mean, float Deviation) Moments(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        bool areEqual = true;
        foreach (float value in values)
        {
            sum += value;
            // By bits: a fixed number is itself again, -0 too.
            areEqual &= BitConverter.SingleToInt32Bits(value) == BitConverter.SingleToInt32Bits(values[0]);
        }
        if (areEqual)
            return (values[0], 0);
        double mean = sum / values.Length;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return ((float)mean, (float)Math.Sqrt(squares / (values.Length - 1)));
    }

    private static float Quantile(ReadOnlySpan<float> sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        if (below == sorted.Length - 1 || sorted[below] == sorted[below + 1])
            return sorted[below];
        return (float)(sorted[below] + (place - below) * ((double)sorted[below + 1] - sorted[below]));
    }
}
