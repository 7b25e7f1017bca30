using System.Text.Json;

namespace EbmService.Core.Json;

/// <summary>What is wrong with a tensor in a JSON document.</summary>
/// <param name="element">The place within the tensor, for example <c>[3][0]</c> or <c>.base64</c>; empty for all of it.</param>
public sealed class TensorJsonException(string element, string message) : JsonException(message)
{
    public string Element { get; } = element;
}
