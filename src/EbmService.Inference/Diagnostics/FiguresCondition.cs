namespace EbmService.Inference.Diagnostics;

/// <summary>What could be said about a quantity's draws, and why not more.</summary>
public enum FiguresCondition
{
    /// <summary>All figures are defined (R-hat from two chains on).</summary>
    Measured,

    /// <summary>Fewer than 4 draws: no figure but mean and standard deviation.</summary>
    TooFewDraws,

    /// <summary>A draw is NaN or infinite: no figure at all.</summary>
    NotFinite,

    /// <summary>
    /// Every draw of every chain is the same: nothing can be said of convergence. (ArviZ calls the effective size of such draws
    /// their number; posterior gives none, and so do we.)
    /// </summary>
    Constant,

    /// <summary>No chain moves within either half of its draws, but chains or halves differ: R-hat is infinite, and there is no effective size. Both are null.</summary>
    Stuck,
}
