using System.Text.Json.Nodes;
using EbmService.Client;

namespace EbmService.Dashboard.Start;

/// <summary>What the service's OpenAPI document says of jobs: their types, members and examples. Read once.</summary>
public sealed class ApiDescription(EbmClient client)
{
    private const string References = "#/components/schemas/";

    private JsonObject _schemas = [];
    private JsonObject _examples = [];

    public bool IsLoaded { get; private set; }

    /// <value>Names of the job types, in the document's order.</value>
    public IReadOnlyList<string> Types { get; private set; } = [];

    public async Task LoadAsync()
    {
        if (IsLoaded)
            return;
        using var http = new HttpClient { BaseAddress = client.Options.BaseAddress };
        JsonNode document = JsonNode.Parse(await http.GetStringAsync("swagger/v1/swagger.json"))!;
        _schemas = document["components"]!["schemas"]!.AsObject();
        JsonNode body = document["paths"]!["/v1/jobs"]!["post"]!["requestBody"]!["content"]!["application/json"]!;
        _examples = body["examples"] as JsonObject ?? [];
        Types = [.. body["schema"]!["oneOf"]!.AsArray().Select(one => TypeOf((string)one!["$ref"]!))];
        IsLoaded = true;
    }

    /// <summary>The schema of a type's spec.</summary>
    public JsonObject? SpecOf(string type) => _schemas[$"{char.ToUpperInvariant(type[0])}{type[1..]}Request"] as JsonObject;

    /// <summary>Complete requests of a type: title and body.</summary>
    public IEnumerable<(string Name, string Title, JsonObject Body)> ExamplesOf(string type) =>
        from example in _examples
        let body = example.Value?["value"] as JsonObject
        where body is not null && ((string?)body["type"] ?? "sampling") == type
        select (example.Key, (string?)example.Value!["summary"] ?? example.Key, body);

    /// <summary>The schema itself, where one refers to another.</summary>
    public JsonObject Resolve(JsonObject schema)
    {
        JsonNode? reference = schema["$ref"] ?? (schema["allOf"] as JsonArray)?[0]?["$ref"];
        return reference is not null && _schemas[((string)reference!)[References.Length..]] is JsonObject resolved ? resolved : schema;
    }

    /// <summary>SamplingRequestCreateJobRequest to sampling.</summary>
    private static string TypeOf(string reference)
    {
        string name = reference[References.Length..].Replace("RequestCreateJobRequest", "", StringComparison.Ordinal);
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}
