using System.Text.Json.Serialization;
using EbmService.Core.Models;

namespace EbmService.Inference.Architectures.Composed;

/// <summary>
/// Several energies over the same input as one: their weighted sum (the product of the densities) or the energy of their mixture. A version holds the
/// parameters of all its parts, so it depends on none of the models that they came from.
/// </summary>
/// <param name="Parts">The networks and formulas, each once.</param>
/// <param name="Terms">What is combined; several may be of one part.</param>
public sealed record ComposedSpec(
    IReadOnlyList<ComposedPart> Parts, IReadOnlyList<ComposedTerm> Terms, CombineRule Combine = CombineRule.Product) : ArchitectureSpec;

/// <param name="Architecture">Of any family that has no module file and no latent variables.</param>
/// <param name="Source">The version that it was copied from; null where it came from none.</param>
public sealed record ComposedPart(
    ModelArchitecture Architecture, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ModelReference? Source = null);

/// <param name="Part">Its place among the parts, 0-based.</param>
/// <param name="Weight">Any finite number but 0; above 0 in a mixture.</param>
/// <param name="Label">Takes E(x, y) of this class in place of E(x).</param>
public sealed record ComposedTerm(
    int Part, double Weight = 1, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Label = null);
