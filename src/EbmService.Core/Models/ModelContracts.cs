using EbmService.Core.Calibration;
using EbmService.Core.Sampling;

namespace EbmService.Core.Models;

/// <summary>Every hosted model.</summary>
public sealed record ModelListResponse(IReadOnlyList<ModelSummary> Models);

/// <summary>One model; what its newest ready version offers.</summary>
/// <param name="Version">The version that a request without one gets; null when none is ready.</param>
/// <param name="State">Ready when any version is, else unloaded when any was taken out of service by command.</param>
/// <param name="Metrics">Measured figures of that version.</param>
public sealed record ModelSummary(
    string Name, string? Title, string? Version, ModelState State, IReadOnlyList<ModelTask> Tasks, InputSchema? Input,
    IReadOnlyList<string> Labels, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<VersionSummary> Versions);

/// <param name="Reason">Why the version is unavailable.</param>
/// <param name="Digest">SHA-256 over architecture, weights and replay buffer.</param>
/// <param name="MemoryBytes">What its tensors take on the device now; 0 while it is not there.</param>
public sealed record VersionSummary(string Version, ModelState State, string? Reason, string? Digest, long MemoryBytes);

/// <summary>Everything about one ready version.</summary>
public sealed record ModelCardResponse
{
    public required string Name { get; init; }

    public required string Version { get; init; }

    public required string Digest { get; init; }

    public required string Title { get; init; }

    public required string Description { get; init; }

    public required ModelState State { get; init; }

    public required IReadOnlyList<ModelTask> Tasks { get; init; }

    public required ModelArchitecture Architecture { get; init; }

    public required long ParameterCount { get; init; }

    /// <value>What its tensors take on the device now; 0 until its first use and while the memory cap keeps it away.</value>
    public required long MemoryBytes { get; init; }

    public required InputSchema Input { get; init; }

    /// <value>Of a row's visible numbers, which come first in it: what a picture of a sample shows. The input's own shape without latent variables.</value>
    public required IReadOnlyList<int> VisibleShape { get; init; }

    /// <value>The latent variables of a row, after its visible numbers; empty where there are none.</value>
    public required IReadOnlyList<LatentPart> Latents { get; init; }

    public required IReadOnlyList<string> Labels { get; init; }

    /// <value>The recipe of a sampling job that names none.</value>
    public required string DefaultRecipe { get; init; }

    /// <value>The kernel of chains when a job names none.</value>
    public required SamplingKernel DefaultKernel { get; init; }

    /// <value>The model's own recipes and the built-in ones.</value>
    public required IReadOnlyDictionary<string, RecipeCard> Recipes { get; init; }

    /// <value>The OOD score used when a request names none.</value>
    public required string OodScore { get; init; }

    /// <value>null without a calibration: then there are scores but no p-values.</value>
    public required string? CalibrationId { get; init; }

    /// <value>Calibrations that jobs have made of this version, by name, newest first.</value>
    public required IReadOnlyList<CalibrationEntry> Calibrations { get; init; }

    /// <value>Chains in the replay buffer.</value>
    public required int BufferSize { get; init; }

    /// <value>The block size measured best, by device kind.</value>
    public required IReadOnlyDictionary<string, int> BlockSizes { get; init; }

    public required ModelProvenance? Provenance { get; init; }

    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <value>Steps between which chains of a recipe are like data, by recipe; empty where nobody looked.</value>
    public required IReadOnlyDictionary<string, StepRange> ValidSteps { get; init; }

    public required IReadOnlyList<VersionSummary> Versions { get; init; }
}

/// <summary>The calibrations of a model.</summary>
/// <param name="Default">What requests mean that name none: a reference, or bundled; null where there is no calibration.</param>
/// <param name="Bundled">The id of the one that came with the newest ready version.</param>
/// <param name="Calibrations">Those that jobs have made, of all its versions, by name, newest first.</param>
public sealed record CalibrationListResponse(string Model, string Version, string? Default, string? Bundled, IReadOnlyList<CalibrationEntry> Calibrations);

/// <param name="ImpliedTemperature">T = s^2 / (2a) at the first step: what the chain samples when nothing is clipped.</param>
public sealed record RecipeCard(SgldRecipe Recipe, double ImpliedTemperature);
