using EbmService.Core.Models;

namespace EbmService.Core.Jobs;

/// <summary>A model version that a job uses, by the role that it has there, pinned by its digest.</summary>
/// <param name="Role">Of the job type's roles; usually the only one, <see cref="DefaultRole"/>.</param>
/// <param name="Digest"><c>sha256:</c> and 64 hex digits over architecture, weights and replay buffer.</param>
public sealed record JobModel(string Role, string Name, string Version, string Digest)
{
    /// <summary>The role of the model in jobs that use one.</summary>
    public const string DefaultRole = "model";

    public ModelReference Reference() => new(Name, Version, Digest);

    public ModelKey Key() => new(Name, Version);

    public static JobModel Create(string role, ModelReference model) => new(role, model.Name, model.Version, model.Digest);

    public static IReadOnlyList<JobModel> Only(ModelReference model) => [Create(DefaultRole, model)];
}
