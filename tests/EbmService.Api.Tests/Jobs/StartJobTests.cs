using System.Net;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

/// <summary>start = job: the source is looked up and pinned when the job is taken.</summary>
public sealed class StartJobTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public StartJobTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task Create_FromAnEndedJob_PinsItsSamples()
    {
        (string id, string sha256) = await EndedAsync("moons", [5, 2]);

        JsonObject job = await (await PostAsync($$"""{"id": "{{id}}"}""")).JsonAsync(HttpStatusCode.Accepted);
        var again = new JsonObject { ["model"] = "moons", ["spec"] = job["spec"]!.DeepClone() };
        JsonObject same = await (await _client.PostJsonAsync("/v1/jobs", again.ToJsonString())).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(("job", id, sha256),
            ((string?)job["spec"]!["start"], (string?)job["spec"]!["startJob"]!["id"], (string?)job["spec"]!["startJob"]!["sha256"]));
        Assert.Equal(job["spec"]!.ToJsonString(), same["spec"]!.ToJsonString());
        Assert.Equal([sha256], _factory.Jobs.Last!.Spec.Inputs.Select(input => input.Sha256));
    }

    [Fact]
    public async Task Create_SamplesOfAnotherShape_NamesBoth()
    {
        (string id, _) = await EndedAsync("digits", [5, 1, 4, 4]);

        string message = await (await PostAsync($$"""{"id": "{{id}}"}""")).FieldErrorAsync("spec.startJob");

        Assert.Contains("[5, 1, 4, 4]", message);
        Assert.Contains("[n, 2]", message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public async Task Create_UnreadableOrEmptySamples_Is400(int length)
    {
        string id = await CreateAsync("moons");
        _factory.Jobs.Content = length == 0 ? NpyFormat.Write(new TensorPayload([0, 2], [])) : new byte[length];
        _factory.Jobs.Finish(id);

        await (await PostAsync($$"""{"id": "{{id}}"}""")).FieldErrorAsync("spec.startJob");
    }

    [Fact]
    public async Task Create_SamplesOfFewerNumbersThanTheirShape_Is400()
    {
        string id = await CreateAsync("moons");
        _factory.Jobs.Content = NpyFormat.Write(new TensorPayload([3, 2], new float[6]))[..^4];
        _factory.Jobs.Finish(id);

        Assert.Contains("no float32 numbers", await (await PostAsync($$"""{"id": "{{id}}"}""")).FieldErrorAsync("spec.startJob"));
    }

    [Fact]
    public async Task Create_OtherSha256_SaysTheRightOne()
    {
        (string id, string sha256) = await EndedAsync("moons", [5, 2]);

        HttpResponseMessage response = await PostAsync($$"""{"id": "{{id}}", "sha256": "{{new string('0', 64)}}"}""");

        Assert.Contains(sha256, await response.FieldErrorAsync("spec.startJob.sha256"));
    }

    [Fact]
    public async Task Create_FromAnUnfinishedJob_Is400()
    {
        string id = await CreateAsync("moons");

        Assert.Contains("not ended", await (await PostAsync($$"""{"id": "{{id}}"}""")).FieldErrorAsync("spec.startJob"));
    }

    [Fact]
    public async Task Create_FromAJobWithoutSamples_Is400()
    {
        string id = await CreateAsync("moons");
        await _client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpTestExtensions.Cancel);

        Assert.Contains("left no samples.npy", await (await PostAsync($$"""{"id": "{{id}}"}""")).FieldErrorAsync("spec.startJob"));
    }

    [Theory]
    [InlineData("""{"id": "nobody"}""", "spec.startJob", "no job 'nobody'")]
    [InlineData("""{}""", "spec.startJob.id", "missing")]
    [InlineData("""{"id": null}""", "spec.startJob.id", "null")]
    [InlineData("""{"id": 7}""", "spec.startJob.id", "text")]
    public async Task Create_NoSuchSource_Is400OnTheField(string source, string field, string says) =>
        Assert.Contains(says, await (await PostAsync(source)).FieldErrorAsync(field));

    [Fact]
    public async Task Create_BadSourceAndBadNumbers_ReportsBoth()
    {
        HttpResponseMessage response = await _client.PostJsonAsync(
            "/v1/jobs", """{"model": "moons", "spec": {"startJob": {"id": "nobody"}, "chains": 0, "start": "base"}}""");

        JsonObject problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");
        Assert.Equal(["spec.chains", "spec.startJob"], problem["errors"]!.AsObject().Select(entry => entry.Key).Order());
        Assert.Equal(2, problem["errors"]!["spec.startJob"]!.AsArray().Count);
    }

    private Task<HttpResponseMessage> PostAsync(string source) =>
        _client.PostJsonAsync("/v1/jobs", $$"""{"model": "moons", "spec": {"startJob": {{source}} } }""");

    private async Task<string> CreateAsync(string model) =>
        (string)(await (await _client.PostJsonAsync("/v1/jobs", $$"""{"model": "{{model}}"}""")).JsonAsync(HttpStatusCode.Accepted))["id"]!;

    private async Task<(string Id, string Sha256)> EndedAsync(string model, int[] shape)
    {
        string id = await CreateAsync(model);
        _factory.Jobs.Content = NpyFormat.Write(new TensorPayload(shape, new float[shape.Aggregate(1, (product, size) => product * size)]));
        _factory.Jobs.Finish(id);
        return (id, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(_factory.Jobs.Content)));
    }
}
