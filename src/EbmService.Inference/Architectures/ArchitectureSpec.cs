using EbmService.Core.Models;

namespace EbmService.Inference.Architectures;

/// <summary>The numbers of one network or closed formula, typed; each family derives its own record. Immutable.</summary>
public abstract record ArchitectureSpec
{
    public static implicit operator ModelArchitecture(ArchitectureSpec spec) => ArchitectureRegistry.Write(spec);
}
