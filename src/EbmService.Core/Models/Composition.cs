using System.Text.Json.Serialization;

namespace EbmService.Core.Models;

/// <summary>How the energies of a composed model's terms become one.</summary>
public enum CombineRule
{
    /// <summary>E(x) = sum_i w_i E_i(x): the product of the densities, each to the power w_i. A negative weight divides by one.</summary>
    Product,

    /// <summary>E(x) = -log sum_i w_i exp(-E_i(x)): the sum of the unnormalised densities; weights above 0.</summary>
    Mixture,
}

/// <summary>A model that is to be made of hosted ones: POST /v1/models.</summary>
public sealed record CompositionRequest
{
    public const string ComposedKind = "composed";

    public const int MaxTerms = 16;

    /// <value>The new model's name; <c>^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$</c>.</value>
    public required string Name { get; init; }

    /// <value>composed, the only kind of model that is made of others.</value>
    public string Kind { get; init; } = ComposedKind;

    /// <value>The version's name.</value>
    public string Version { get; init; } = "1";

    public CombineRule Combine { get; init; } = CombineRule.Product;

    /// <value>1 to 16.</value>
    public required IReadOnlyList<CompositionTerm> Terms { get; init; }

    /// <value>null for a sentence that names the terms.</value>
    public string? Title { get; init; }

    public string? Description { get; init; }
}

/// <summary>An energy of a hosted model with a weight before it.</summary>
public sealed record CompositionTerm
{
    public required string Model { get; init; }

    /// <value>null for the newest ready version.</value>
    public string? Version { get; init; }

    /// <value>Any number but 0; below 0 what the term finds likely becomes unlikely. In a mixture above 0.</value>
    public double Weight { get; init; } = 1;

    /// <value>Takes E(x, y) of this class, 0-based, in place of E(x).</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Label { get; init; }
}
