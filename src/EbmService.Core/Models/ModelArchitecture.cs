using System.Text.Json;
using System.Text.Json.Serialization;

namespace EbmService.Core.Models;

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
