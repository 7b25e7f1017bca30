using System.Globalization;

namespace EbmService.Benchmarks;

/// <summary>A figure over the rounds: timings on shared machines wander, so one number would say too much.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return new Spread(Quantile(all, 0.5), all.Min(), all.Max());
    }

    /// <summary>Round by round.</summary>
    public static Spread OfRatios(IEnumerable<double> over, IEnumerable<double> under) => Of(over.Zip(under, (a, b) => a / b));

    /// <summary>Linear between the neighbours, as NumPy's default.</summary>
    public static double Quantile(IReadOnlyCollection<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }

    /// <summary>For the report: <c>median [min, max]</c>.</summary>
    public string Show(string format)
    {
        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Text(Median)} [{Text(Min)}, {Text(Max)}]";
    }
}
