using EbmService.Core.Failures;

namespace EbmService.Core.Models;

/// <summary>Whether a version can be asked.</summary>
public enum ModelState
{
    /// <summary>It can.</summary>
    Ready,

    /// <summary>Its files are missing or damaged.</summary>
    Unavailable,

    /// <summary>Taken out of service by command, until it is loaded again.</summary>
    Unloaded,
}

/// <summary>One version of one model as the service hosts it.</summary>
public sealed record HostedModel
{
    /// <value>The folder's names, also when the descriptor can't be read.</value>
    public required ModelKey Key { get; init; }

    public required ModelState State { get; init; }

    /// <value>Why the version is unavailable, in words for an operator, without paths.</value>
    public string? Reason { get; init; }

    /// <value>Absent when the state is <see cref="ModelState.Unavailable"/>.</value>
    public ModelDescriptor? Descriptor { get; init; }

    /// <value>Absent when the state is <see cref="ModelState.Unavailable"/>.</value>
    public ModelVersionManifest? Manifest { get; init; }

    /// <value><c>sha256:</c> and 64 hex digits; empty when unavailable.</value>
    public string Digest { get; init; } = "";

    /// <value>What the architecture gives; meaningful when the state is <see cref="ModelState.Ready"/>.</value>
    public ModelCapabilities Capabilities { get; init; } = new();

    /// <value>What a client can ask for; empty when it is not ready.</value>
    public IReadOnlyList<ModelTask> Tasks => State == ModelState.Ready ? CapabilityRules.Tasks(Capabilities) : [];

    public long ParameterCount { get; init; }

    /// <value>Numbers in all layers together, for one input: what a pass over it holds in memory.</value>
    public long ActivationsPerInput { get; init; }

    /// <value>The id of the OOD calibration stored with the version, if any.</value>
    public string? CalibrationId { get; init; }

    /// <value>The scores that this calibration has p-values of; empty without one.</value>
    public IReadOnlyList<string> CalibratedScores { get; init; } = [];

    /// <value>Quantiles of E(x) over the rows of this calibration; empty without one.</value>
    public IReadOnlyList<(double Quantile, double Energy)> ReferenceEnergies { get; init; } = [];

    /// <value>The least that any p-value of this calibration can be; null without one.</value>
    public double? SmallestPValue { get; init; }

    /// <value>Chains in the replay buffer stored with the version; 0 where there is none.</value>
    public int BufferSize { get; init; }

    /// <summary>What the visible part of a row is, which comes first in it: the input itself but for models with latent variables. Pictures are drawn of that part.</summary>
    public InputSchema VisibleSchema() => Capabilities.VisibleSchema(Descriptor!.Input);

    public ModelReference Reference() => new(Key.Name, Key.Version, Digest);
}

/// <summary>Names one version of one model.</summary>
public readonly record struct ModelKey(string Name, string Version)
{
    public override string ToString() => $"{Name}/{Version}";
}

/// <summary>A model version and the digest of what it computes; stands in every result.</summary>
/// <param name="Digest"><c>sha256:</c> and 64 hex digits over architecture, weights and replay buffer.</param>
public sealed record ModelReference(string Name, string Version, string Digest)
{
    public ModelKey Key() => new(Name, Version);
}

/// <summary>The models this process hosts. Thread-safe; an unreadable model is listed as unavailable and never stops the others.</summary>
public interface IModelCatalog
{
    /// <summary>Every version of every model, by name, newest version first.</summary>
    IReadOnlyList<HostedModel> List();

    /// <summary>The named version, or the newest ready one when <paramref name="version"/> is null.</summary>
    /// <returns>A ready model, or <see cref="FailureCode.ModelNotFound"/>, <see cref="FailureCode.VersionNotFound"/> or
    /// <see cref="FailureCode.ModelUnavailable"/>.</returns>
    Outcome<HostedModel> Find(string name, string? version = null);

    /// <summary>The version of that very digest: hosted, or still used by a job that began with it.</summary>
    /// <returns>The model, or why there is none of that digest.</returns>
    Outcome<HostedModel> Find(ModelReference model)
    {
        Outcome<HostedModel> found = Find(model.Name, model.Version);
        if (!found.Succeeded || found.Value.Digest == model.Digest)
            return found;
        return new Failure(FailureCode.ModelUnavailable,
            $"The version '{model.Version}' of the model '{model.Name}' was replaced by one with the digest {found.Value.Digest}.");
    }

    /// <summary>The job has ended: a version that was kept for it alone may go.</summary>
    void Release(string jobId)
    {
    }

    /// <summary>Looks for models again where they come from; a catalog that always looks does nothing.</summary>
    void Refresh()
    {
    }
}
