using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>What a user does with curl.</summary>
internal static class HttpSteps
{
    private static readonly string[] Terminal = ["succeeded", "failed", "cancelled"];

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<JsonObject> GetJsonAsync(this HttpClient client, string path) =>
        await ReadAsync(await client.GetAsync(path, Cancel), HttpStatusCode.OK);

    public static Task<JsonObject> PostJsonAsync(this HttpClient client, string path, JsonNode body, HttpStatusCode expected = HttpStatusCode.OK) =>
        client.PostTextAsync(path, body.ToJsonString(), expected);

    public static async Task<JsonObject> PostTextAsync(this HttpClient client, string path, string json, HttpStatusCode expected = HttpStatusCode.OK) =>
        await ReadAsync(await client.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), Cancel), expected);

    public static async Task<JsonObject> ReadAsync(HttpResponseMessage answer, HttpStatusCode expected)
    {
        using HttpResponseMessage held = answer;
        string body = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == expected, $"{(int)answer.StatusCode} instead of {(int)expected}: {body}");
        return JsonNode.Parse(body)!.AsObject();
    }

    /// <summary>Queues a job and returns its id.</summary>
    public static async Task<string> SubmitAsync(this HttpClient client, JsonObject spec, string model = ServiceHost.Model)
    {
        JsonObject job = await client.PostJsonAsync("/v1/jobs", Body(spec, model), HttpStatusCode.Accepted);
        return (string)job["id"]!;
    }

    public static JsonObject Body(JsonObject spec, string model) => new() { ["type"] = "sampling", ["model"] = model, ["spec"] = spec.DeepClone() };

    /// <summary>POST /v1/jobs/{id}/{verb}: cancel, pause, resume, extend.</summary>
    public static async Task<JsonObject> MoveAsync(this HttpClient client, string id, string verb, JsonNode? body = null) => await ReadAsync(
        await client.PostAsync($"/v1/jobs/{id}/{verb}", body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), Cancel),
        HttpStatusCode.Accepted);

    public static Task<JsonObject> GetJobAsync(this HttpClient client, string id) => client.GetJsonAsync($"/v1/jobs/{id}");

    /// <summary>Asks for the job until the condition holds.</summary>
    public static async Task<JsonObject> WaitUntilAsync(this HttpClient client, string id, Func<JsonObject, bool> condition)
    {
        while (true)
        {
            JsonObject job = await client.GetJobAsync(id);
            if (condition(job))
                return job;
            Assert.False(job.IsOver(), $"The job ended too early: {job}");
            await Task.Delay(50, Cancel);
        }
    }

    public static Task<JsonObject> WaitForEndAsync(this HttpClient client, string id) => client.WaitUntilAsync(id, IsOver);

    public static bool IsOver(this JsonObject job) => Terminal.Contains((string)job["status"]!);

    public static Task<byte[]> GetResultAsync(this HttpClient client, string id, string name) =>
        client.GetByteArrayAsync($"/v1/jobs/{id}/results/{name}", Cancel);

    public static async Task<string> HashOfResultAsync(this HttpClient client, string id, string name) =>
        Convert.ToHexStringLower(SHA256.HashData(await client.GetResultAsync(id, name)));

    public static JsonObject Spec(int chains, int steps, long seed) => new() { ["chains"] = chains, ["steps"] = steps, ["seed"] = seed };

    public static JsonArray AllDigits() => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
}
