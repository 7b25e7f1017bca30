namespace EbmService.Benchmarks.Measurements;

/// <summary>How long something took.</summary>
/// <param name="Seconds">On the clock.</param>
/// <param name="CoreSeconds">Processor time of the process that did it, over all its threads.</param>
internal sealed record Timing(double Seconds, double CoreSeconds)
{
    /// <param name="work">Answers its own seconds.</param>
    /// <param name="processorTime">Of the process that does the work.</param>
    public static async Task<Timing> OfAsync(Func<Task<double>> work, Func<TimeSpan> processorTime)
    {
        TimeSpan before = processorTime();
        double seconds = await work();
        return new Timing(seconds, (processorTime() - before).TotalSeconds);
    }

    public override string ToString() => $"{Seconds:F2} s ({CoreSeconds:F2} core-s)";
}
