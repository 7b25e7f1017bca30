using System.Text.Json;
using System.Text.Json.Serialization;
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

    /// <value>The kernel used when a request names none; null for sgld, or gibbsWithGradients where variables are discrete.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SamplingKernel? DefaultKernel { get; init; }

    /// <value>The OOD score that the p-value and verdict use when a request names none.</value>
    public string OodScore { get; init; } = "logDensity";
}

/// <summary>
/// What network or closed formula computes the energy, as <c>model.json</c> writes it: a family's name and that family's own members. Only the registry of
/// architectures reads and checks the members; everybody else asks for <see cref="ModelCapabilities"/>.
/// </summary>
public sealed record ModelArchitecture
{
    /// <value>The family's name, for example conv-jem.</value>
    public required string Kind { get; init; }

    /// <value>The family's own numbers, every default filled in where the model is hosted.</value>
    [JsonExtensionData]
    public IDictionary<string, JsonElement> Members { get; init; } = new Dictionary<string, JsonElement>();
}

/// <summary>The file <c>&lt;version&gt;/version.json</c>: one trained state of a model, its files and where it came from.</summary>
public sealed record ModelVersionManifest
{
    public required string Version { get; init; }

    /// <value>SHA-256 (64 hex digits) by file name; a file that differs makes the version unavailable.</value>
    public required IReadOnlyDictionary<string, string> Files { get; init; }

    /// <value>The block size measured best, by device kind; 16 where none was measured.</value>
    public IReadOnlyDictionary<string, int> BlockSizes { get; init; } = new Dictionary<string, int>();

    /// <value>Steps between which chains of a recipe are like data, by recipe, as <c>ebm assess --long-run</c> found; empty where it wasn't looked for.</value>
    public IReadOnlyDictionary<string, StepRange> ValidSteps { get; init; } = new Dictionary<string, StepRange>();

    public ModelProvenance? Provenance { get; init; }

    /// <value>Metrics measured by <c>ebm evaluate</c>, by name.</value>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();
}

/// <summary>Steps of chains from the base distribution.</summary>
/// <param name="From">Up to the step before it they were found not to have come to where data are.</param>
/// <param name="To">After it they leave again, unless it is <paramref name="Tested"/>.</param>
/// <param name="Tested">How far they were looked at.</param>
public sealed record StepRange(int From, int To, int Tested)
{
    /// <summary>Why so many steps are too many or too few, a sentence; null where they are not.</summary>
    /// <param name="fromBase">Whether chains begin at the base distribution.</param>
    public string? WarningOf(int steps, string recipe, bool fromBase)
    {
        if (steps > To && To < Tested)
            return $"spec.steps: {steps} steps of the recipe '{recipe}' are beyond {To}, up to which its samples were found to be like data: long chains of this model go to energies that no data have.";
        return fromBase && steps < From
            ? $"spec.steps: {steps} steps of the recipe '{recipe}' are fewer than {From}, from which on its samples were found to be like data."
            : null;
    }
}

/// <summary>How a version was made.</summary>
public sealed record ModelProvenance
{
    public required string Command { get; init; }

    public required string Data { get; init; }

    public required long Seed { get; init; }

    public required double Seconds { get; init; }

    public required DateTimeOffset FinishedAt { get; init; }

    public string Software { get; init; } = "";
}
