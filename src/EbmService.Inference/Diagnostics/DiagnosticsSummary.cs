namespace EbmService.Inference.Diagnostics;

/// <summary>
/// A job's convergence in a few figures: the worst over its quantities, and which quantity each comes from. Quantities whose
/// figure is undefined are left out of it and named in <paramref name="Undefined"/>.
/// </summary>
/// <param name="MaxRHat">Null when no quantity has one, or when one is stuck (infinite).</param>
/// <param name="RHatHigh">Whether an R-hat exceeds <see cref="RHatLimit"/> or a quantity is stuck.</param>
/// <param name="EssLow">Whether a bulk or tail effective sample size is below <see cref="EssLimit"/>.</param>
/// <param name="Undefined">Quantities not fully measured, with the condition that says why.</param>
public sealed record DiagnosticsSummary(
    WorstFigure? MaxRHat, WorstFigure? MinEssBulk, WorstFigure? MinEssTail, bool RHatHigh, bool EssLow,
    IReadOnlyDictionary<string, FiguresCondition> Undefined)
{
    /// <summary>Vehtari et al. (2021): higher calls for more draws or a better sampler.</summary>
    public const double RHatLimit = 1.01;

    /// <summary>Vehtari et al. (2021): fewer make the estimates of R-hat and errors unreliable.</summary>
    public const double EssLimit = 400;

    /// <value>Whether every quantity is measured, of at least two chains, and none is flagged.</value>
    public bool Converged => MaxRHat is not null && MinEssBulk is not null && MinEssTail is not null && !RHatHigh && !EssLow && Undefined.Count == 0;

    public static DiagnosticsSummary Of(IReadOnlyList<NamedFigures> quantities)
    {
        bool stuck = quantities.Any(quantity => quantity.Figures.Condition == FiguresCondition.Stuck);
        WorstFigure? rHat = stuck ? null : Candidates(quantities, figures => figures.RHat).MaxBy(figure => figure.Value);
        WorstFigure? bulk = Candidates(quantities, figures => figures.EssBulk).MinBy(figure => figure.Value);
        WorstFigure? tail = Candidates(quantities, figures => figures.EssTail).MinBy(figure => figure.Value);
        return new DiagnosticsSummary(
            rHat, bulk, tail, stuck || rHat?.Value > RHatLimit, bulk?.Value < EssLimit || tail?.Value < EssLimit,
            quantities.Where(quantity => quantity.Figures.Condition != FiguresCondition.Measured)
                .ToDictionary(quantity => quantity.Quantity, quantity => quantity.Figures.Condition));
    }

    private static IEnumerable<WorstFigure> Candidates(IReadOnlyList<NamedFigures> quantities, Func<ChainFigures, double?> figure) =>
        quantities.Where(quantity => figure(quantity.Figures) is not null)
            .Select(quantity => new WorstFigure(quantity.Quantity, figure(quantity.Figures)!.Value));
}
