using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

internal static class JobClientExtensions
{
    /// <summary>Creates a job and waits for its success.</summary>
    internal static async Task<JsonObject> RunJobAsync(this HttpClient client, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Prefer", "wait=30");
        JsonObject job = await (await client.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync();
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());
        return job;
    }

    internal static async Task<JsonObject> StartJobAsync(this HttpClient client, string body) =>
        await (await client.PostJsonAsync("/v1/jobs", body)).JsonAsync(HttpStatusCode.Accepted);

    internal static async Task<JsonObject> GetJobAsync(this HttpClient client, string id) =>
        await (await client.GetAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel)).JsonAsync();

    internal static string Hash(JsonObject job, string result) =>
        (string)job["results"]!.AsArray().Single(entry => (string)entry!["name"]! == result)!["sha256"]!;
}
