using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EbmService.Dashboard.Start;

/// <summary>A request as others write it.</summary>
public static class Snippets
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Json(JsonObject body) => body.ToJsonString(s_indented);

    public static string Curl(JsonObject body, Uri service, bool hasKey) => $"""
        curl -X POST {service}v1/jobs \
          -H 'Content-Type: application/json' \
        {(hasKey ? "  -H \"Authorization: Bearer $EBM_KEY\" \\\n" : "")}  -d '{Json(body).Replace("'", "'\\''", StringComparison.Ordinal)}'
        """;

    /// <summary>Typed where the client knows the type, else with the body as JSON.</summary>
    public static string CSharp(JsonObject body, Uri service, bool hasKey)
    {
        string key = hasKey ? ", ApiKey = Environment.GetEnvironmentVariable(\"EBM_KEY\")" : "";
        TypedRequest? typed = TypedRequest.TryWrite(body);
        string usings = string.Join("\n", (typed?.Usings ?? ["System.Text.Json.Nodes"]).Append("EbmService.Client").Append("EbmService.Core.Jobs").Distinct().Order().Select(name => $"using {name};"));
        string create = typed is null
            ? $"JobResponse job = await client.Jobs.CreateAsync(JsonNode.Parse(\"\"\"\n{Indent(Json(body))}\n    \"\"\")!.AsObject());"
            : $"JobResponse job = await client.Jobs.CreateAsync({typed.Code});";
        return $$"""
            {{usings}}

            await using EbmClient client = EbmClient.Create(new EbmClientOptions { BaseAddress = new Uri("{{service}}"){{key}} });
            {{create}}
            await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id))
            {
                if (happened is JobProgressEvent { Progress: var progress })
                    Console.WriteLine($"{progress.Fraction:P0}");
            }
            foreach (JobResultResponse result in await client.Jobs.ListResultsAsync(job.Id))
                Console.WriteLine($"{result.Name}: {result.Size} bytes");
            """;
    }

    private static string Indent(string text) => string.Join("\n", text.Split('\n').Select(line => "    " + line));
}
