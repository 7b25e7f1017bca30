using EbmService.Core.Diagnostics;

namespace EbmService.Inference.Diagnostics;

/// <summary>The figures of the chains of one class.</summary>
/// <param name="Chains">How many there are.</param>
/// <param name="Quantities">In the order of the series' names.</param>
/// <param name="Conditions">Of each quantity.</param>
internal sealed record LabelFigures(int Chains, IReadOnlyList<QuantityDiagnostics> Quantities, IReadOnlyList<FiguresCondition> Conditions)
{
    public static LabelFigures Of(AlignedSeries series, int label)
    {
        IReadOnlyList<ChainFigures> figures = ChainDiagnostics.Of([.. series.Names.Select((_, quantity) => series.Of(quantity, label))]);
        return new(
            series.ChainsOf(label), [.. series.Names.Zip(figures, (name, figure) => ToCore(name, figure, label))],
            [.. figures.Select(figure => figure.Condition)]);
    }

    /// <summary>One quantity over all classes: the worst agreement, the mean over all chains and, as classes are independent, its error.</summary>
    public static QuantityDiagnostics Pool(IReadOnlyList<LabelFigures> groups, int quantity)
    {
        QuantityDiagnostics[] parts = [.. groups.Select(group => group.Quantities[quantity])];
        if (parts.Length == 1)
            return parts[0] with { Label = null };
        double chains = groups.Sum(group => group.Chains);
        double? mean = 0, squares = 0;
        foreach ((QuantityDiagnostics part, LabelFigures group) in parts.Zip(groups))
        {
            mean += group.Chains / chains * part.Mean;
            squares += group.Chains / chains * part.McseMean * (group.Chains / chains * part.McseMean);
        }
        return new(
            parts[0].Name, mean, null, squares is { } sum ? Math.Sqrt(sum) : null,
            Worst(parts, part => part.RHat, Enumerable.Max), Worst(parts, part => part.EssBulk, Enumerable.Min), Worst(parts, part => part.EssTail, Enumerable.Min));
    }

    /// <summary>The worst of all figures; null where one is missing, as that one may be the worst.</summary>
    public static double? Worst(
        IEnumerable<QuantityDiagnostics> parts, Func<QuantityDiagnostics, double?> figure, Func<IEnumerable<double?>, double?> worst)
    {
        double?[] figures = [.. parts.Select(figure)];
        return figures.Contains(null) ? null : worst(figures);
    }

    private static QuantityDiagnostics ToCore(string name, ChainFigures figures, int label) => new(
        name, figures.Mean, figures.StandardDeviation, figures.McseMean, figures.RHat, figures.EssBulk, figures.EssTail, label < 0 ? null : label);
}
