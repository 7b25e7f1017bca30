using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Architectures.Composed;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Architectures.Igebm;
using EbmService.Inference.Architectures.Ising;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Architectures.Potts;
using EbmService.Inference.Architectures.Ring;
using EbmService.Inference.Architectures.TorchScript;
using EbmService.Inference.Architectures.WideResNet;
using EbmService.Inference.Models;

namespace EbmService.Inference.Architectures;

/// <summary>The model families that this build knows, and the JSON of their specs.</summary>
public static class ArchitectureRegistry
{
    /// <value>A new family is one line here.</value>
    public static IReadOnlyList<IArchitecture> All { get; } =
    [
        new ConvJemArchitecture(),
        new WideResNetArchitecture(),
        new IgebmArchitecture(),
        new MlpArchitecture(),
        new GaussianArchitecture(),
        new DoubleWellArchitecture(),
        new RingArchitecture(),
        new IsingArchitecture(),
        new PottsArchitecture(),
        new RbmArchitecture(),
        new DbmArchitecture(),
        new TorchScriptArchitecture(),
        new ComposedArchitecture(),
    ];

    private static readonly Dictionary<string, IArchitecture> s_byKind = All.ToDictionary(family => family.Kind, StringComparer.Ordinal);
    private static readonly Dictionary<Type, IArchitecture> s_bySpec = All.ToDictionary(family => family.SpecType);

    /// <summary>The family of a spec.</summary>
    public static IArchitecture Family(this ArchitectureSpec spec) => s_bySpec[spec.GetType()];

    /// <summary>Reads the typed spec strictly: unknown members are refused, missing ones take their defaults.</summary>
    /// <exception cref="InvalidModelException">No such kind, or a member is missing, unknown or of another type.</exception>
    public static ArchitectureSpec Spec(this ModelArchitecture architecture)
    {
        if (!s_byKind.TryGetValue(architecture.Kind, out IArchitecture? family))
            throw new InvalidModelException($"architecture has the unknown kind '{architecture.Kind}'; known: {string.Join(", ", s_byKind.Keys)}");
        var members = new JsonObject(architecture.Members.Select(member => KeyValuePair.Create(member.Key, ToNode(member.Value))));
        try
        {
            return (ArchitectureSpec)members.Deserialize(family.SpecType, EbmJson.Options)!;
        }
        catch (JsonException e)
        {
            throw new InvalidModelException($"architecture of kind '{family.Kind}' is not valid: {e.Message}", e);
        }
    }

    /// <summary>What data of a model are: the visible part of its input.</summary>
    public static InputSchema VisibleSchema(this ModelDescriptor model)
    {
        ArchitectureSpec spec = model.Architecture.Spec();
        return spec.Family().Capabilities(spec, model.Input).VisibleSchema(model.Input);
    }

    /// <summary>A spec as JSON, every default filled in.</summary>
    public static ModelArchitecture Write(ArchitectureSpec spec) => new()
    {
        Kind = spec.Family().Kind,
        Members = JsonSerializer.SerializeToElement(spec, spec.GetType(), EbmJson.Options)
            .EnumerateObject().ToDictionary(member => member.Name, member => member.Value),
    };

    private static JsonNode? ToNode(JsonElement element) => JsonSerializer.SerializeToNode(element);
}
