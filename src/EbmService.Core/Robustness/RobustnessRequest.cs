using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Robustness;

/// <summary>What a client asks to have attacked. All but the rows may be left out.</summary>
public sealed record RobustnessRequest
{
    /// <value>The rows with their classes: <c>labels</c>, or a dataset that has them.</value>
    public RowsSource? Inputs { get; init; }

    /// <value>fgsm or pgd; pgd by default.</value>
    public AttackMethod? Method { get; init; }

    /// <value>linf or l2; linf by default.</value>
    public AttackNorm? Norm { get; init; }

    /// <value>
    /// How far a row may be moved, ascending: as if the model's range were [0, 1], as papers give them. In linf at most 1, in l2 at most the root of the
    /// input's size. Eight radii up to 0.3 (linf) or 3 (l2) by default.
    /// </value>
    public IReadOnlyList<double>? Radii { get; init; }

    /// <value>Gradient steps of pgd at each radius, 1 to 1 000; 40 by default.</value>
    public int? Steps { get; init; }

    /// <value>Of pgd, as a share of the radius, in (0, 2]; 2.5 / steps by default (Madry et al. 2018), 1 at most.</value>
    public double? StepSize { get; init; }

    /// <value>Runs of pgd at each radius, 1 to 20; 1 by default.</value>
    public int? Restarts { get; init; }

    /// <value>Whether runs of pgd begin at a random point of the ball; true by default. Needed for several restarts.</value>
    public bool? RandomStart { get; init; }

    /// <value>Attacks, too, the classifier that first lets each input run down the energy; left out by default.</value>
    public RefinementRequest? Refinement { get; init; }

    /// <value>Whether a source is among the models, as a spec shows it; compared when given.</value>
    public bool? Transfer { get; init; }

    /// <value>Of everything random; drawn where it is left out.</value>
    public long? Seed { get; init; }

    /// <value>Rows that are scheduled and stored together, 8 to 4 096; 128 by default. It changes no number.</value>
    public int? BlockSize { get; init; }
}

/// <summary>Some steps of Langevin dynamics on the energy before an input is classified (Grathwohl et al. 2020, section 5.4).</summary>
public sealed record RefinementRequest
{
    /// <value>Steps of each chain, 1 to 200; 10 by default.</value>
    public int? Steps { get; init; }

    /// <value>One of the model's recipes, whose step size, noise, clip, clamp and schedules the chains take; the model's default by default.</value>
    public string? Recipe { get; init; }

    /// <value>All numbers of the chains, their steps among them, as a spec shows them: in place of steps, recipe, stepSize and noise.</value>
    public SgldRecipe? Chain { get; init; }

    /// <value>In place of the recipe's, with no schedule.</value>
    public double? StepSize { get; init; }

    /// <value>In place of the recipe's.</value>
    public double? Noise { get; init; }

    /// <value>Chains of the classifier: its probabilities are their mean. The attacker averages its gradient over as many of its own. 1 to 100; 5 by default.</value>
    public int? Chains { get; init; }

    /// <value>How the attacker differentiates through the chain; throughChain by default.</value>
    public RefinementGradient? Gradient { get; init; }
}

/// <summary>How an attack searches.</summary>
public enum AttackMethod
{
    /// <summary>Projected gradient ascent on the cross-entropy (Madry et al. 2018).</summary>
    Pgd,

    /// <summary>One step of the whole radius along the gradient, or its signs (Goodfellow et al. 2015).</summary>
    Fgsm,
}

/// <summary>How a perturbation is measured.</summary>
public enum AttackNorm
{
    /// <summary>By its largest number.</summary>
    Linf,

    /// <summary>By its Euclidean length.</summary>
    L2,
}

/// <summary>How the gradient of a chain is taken.</summary>
public enum RefinementGradient
{
    /// <summary>The gradient at the chain's end is sent back through every step: I - a H, with products of the Hessian by central differences.</summary>
    ThroughChain,

    /// <summary>The gradient at the chain's end as it is, as if the chain were the identity (Athalye et al. 2018).</summary>
    StraightThrough,
}
