using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;

namespace EbmService.Inference.Models;

/// <summary>
/// The digest of what a version computes: the same architecture, input
/// schema, weights or module, and buffer give the same one anywhere.
/// </summary>
public static class ModelDigest
{
    /// <summary>
    /// <c>sha256:</c> over the lines <c>architecture HEX</c>, <c>weights.safetensors HEX</c>, <c>model.pt HEX</c> and
    /// <c>buffer.safetensors HEX</c> (those present), each ended by a line feed; the first HEX is over the canonical JSON of
    /// architecture and input.
    /// </summary>
    public static string Compute(ModelDescriptor descriptor, IReadOnlyDictionary<string, string> files)
    {
        var lines = new StringBuilder();
        lines.Append("architecture ").Append(RepositoryFolder.Sha256(CanonicalJson(descriptor))).Append('\n');
        foreach (string name in new[] { ModelFiles.Weights, ModelFiles.Module, ModelFiles.Buffer })
        {
            if (files.TryGetValue(name, out string? hash))
                lines.Append(name).Append(' ').Append(hash.ToLowerInvariant()).Append('\n');
        }
        return Prefixed(RepositoryFolder.Sha256(Encoding.UTF8.GetBytes(lines.ToString())));
    }

    internal static string Prefixed(string hex) => $"sha256:{hex.ToLowerInvariant()}";

    /// <summary>{"architecture":...,"input":...} with every default filled in, members in ordinal order, no white space.</summary>
    private static byte[] CanonicalJson(ModelDescriptor descriptor)
    {
        JsonNode architecture = JsonSerializer.SerializeToNode(
            ArchitectureRegistry.Write(descriptor.Architecture.Spec()), EbmJson.Options)!;
        JsonNode input = JsonSerializer.SerializeToNode(descriptor.Input, EbmJson.Options)!;
        return JsonSerializer.SerializeToUtf8Bytes(Sorted(new JsonObject { ["architecture"] = architecture, ["input"] = input }));
    }

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal)
            .Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
