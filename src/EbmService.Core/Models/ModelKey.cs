namespace EbmService.Core.Models;

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
