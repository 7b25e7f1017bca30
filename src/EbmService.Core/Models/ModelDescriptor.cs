using EbmService.Core.Sampling;

namespace EbmService.Core.Models;

/// <summary>What a client can ask of a model.</summary>
public enum ModelTask
{
    Energy,
    Classification,
    OutOfDistribution,
    Sampling,
}

/// <summary>The file <c>model.json</c>: everything about a model that its versions share.</summary>
public sealed record ModelDescriptor
{
    /// <value>Equal to the folder's name; <c>^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$</c>.</value>
    public required string Name { get; init; }

    public required string Title { get; init; }

    public string Description { get; init; } = "";

    public required ModelArchitecture Architecture { get; init; }

    public required InputSchema Input { get; init; }

    /// <value>Class names in the order of the logits; empty where the model has no classes.</value>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <value>Sampling recipes by name, beside the built-in ones of <see cref="SgldRecipes"/>.</value>
    public IReadOnlyDictionary<string, SgldRecipe> Recipes { get; init; } = new Dictionary<string, SgldRecipe>();

    /// <value>The recipe used when a request names none.</value>
    public string DefaultRecipe { get; init; } = SgldRecipes.Langevin;

    /// <value>The OOD score that the p-value and verdict use when a request names none.</value>
    public string OodScore { get; init; } = "logDensity";
}
