using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

/// <summary>
/// The members of a sampling spec on the wire: what is wrong with one is said at its path, and a job's spec can be sent
/// again.
/// </summary>
public sealed class SamplingRequestTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public SamplingRequestTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("""{"kernel": "nuts"}""", "spec.kernel",
        "sgld, ula, preconditionedSgld, mala, hmc, underdamped, gibbsWithGradients, blockedGibbs")]
    [InlineData("""{"kernel": 4}""", "spec.kernel", "one of: sgld")]
    [InlineData("""{"hmc": {"leaps": 4}}""", "spec.hmc.leaps", "no member 'leaps'")]
    [InlineData("""{"hmc": {"leapfrogSteps": 1.5}}""", "spec.hmc.leapfrogSteps", "whole number")]
    [InlineData("""{"hmc": {"leapfrogSteps": 5}}""", "spec.hmc", "no meaning for kernel sgld")]
    [InlineData("""{"schedule": {"kind": "linear"}}""", "spec.schedule.kind", "constant, polynomial, cosine, annealed, cyclical")]
    [InlineData("""{"tempering": {}}""", "spec.tempering.temperatures", "missing")]
    [InlineData("""{"tempering": {"temperatures": [1, null]}}""", "spec.tempering.temperatures[1]", "number")]
    [InlineData("""{"stop": {}}""", "spec.stop", "untilEss, untilRHat or deadlineSeconds")]
    [InlineData("""{"stop": {"untilEss": "many"}}""", "spec.stop.untilEss", "number")]
    [InlineData("""{"stop": {"deadlineSeconds": 1e400}}""", "spec.stop.deadlineSeconds", "at most 1e9")]
    [InlineData("""{"held": {"values": [1, 2]}}""", "spec.held.mask", "missing")]
    [InlineData("""{"held": {"mask": [1, 0], "values": null}}""", "spec.held.values", "an't be null")]
    [InlineData("""{"held": {"mask": "1 0", "values": [1, 2]}}""", "spec.held.mask", "nested arrays of numbers, or {\"dtype\"")]
    [InlineData("""{"held": {"mask": [1, 0], "values": [[1, 2], [3]]}}""", "spec.held.values[1]", "equally long")]
    [InlineData("""{"data": [[1, "2"]]}""", "spec.data[0][1]", "is text")]
    [InlineData("""{"data": [[1, NaN]]}""", "spec.data", "NaN")]
    [InlineData("""{"data": [[1, 1e39]]}""", "spec.data[0][1]", "float32")]
    [InlineData("""{"data": [[1, 2, 3]]}""", "spec.data", "it has [1, 3]")]
    [InlineData("""{"data": {"dtype": "uint8", "shape": [1, 2], "base64": "AAA="}}""", "spec.data.dtype", "float32")]
    [InlineData("""{"data": {"dtype": "float32", "shape": [1, 2], "base64": "AAAA"}}""", "spec.data.base64", "needs 8 bytes")]
    [InlineData("""{"data": {"dtype": "float32", "shape": [-1, 2], "base64": ""}}""", "spec.data.shape", "none negative")]
    [InlineData("""{"data": {"dtype": "float32", "shape": [1, 2]}}""", "spec.data.base64", "missing")]
    [InlineData("""{"data": {"dtype": "float32", "shape": [1, 2], "base64": "AAAAAAAAwH8="}}""", "spec.data", "finite")]
    [InlineData("""{"data": {"dtype": "float32", "shape": [1, 2], "bytes": ""}}""", "spec.data.bytes", "no member 'bytes'")]
    public async Task Create_BadMember_NamesItAndTheRemedy(string spec, string field, string says) =>
        Assert.Contains(says, await (await PostAsync(spec)).FieldErrorAsync(field));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"kernel": "ula", "schedule": {"kind": "cosine", "end": 0.1}}""")]
    [InlineData("""{"kernel": "preconditionedSgld", "gradientClip": {"kind": "norm", "limit": 3}}""")]
    [InlineData("""{"kernel": "mala", "stop": {"untilRHat": 1.01}}""")]
    [InlineData("""{"kernel": "hmc", "hmc": {"leapfrogSteps": 5}, "stop": {"untilEss": 400, "deadlineSeconds": 60}, "thin": 2}""")]
    [InlineData("""{"kernel": "underdamped", "underdamped": {"friction": 2}}""")]
    [InlineData("""{"kernel": "hmc", "tempering": {"temperatures": [1, 2, 4]}}""")]
    [InlineData("""{"held": {"mask": [1, 0], "values": [[0.5, 0], [1.5, 0]]}, "data": [[1, 2], [3, -1]]}""")]
    [InlineData("""{"noise": 0.1, "order": "noiseFirst", "recipe": "igebm"}""")]
    [InlineData("""{"stop": {"deadlineSeconds": 5}}""")]
    public async Task Create_SpecOfAJobSentAgain_GivesTheSameSpec(string spec)
    {
        JsonObject first = await (await PostAsync(spec)).JsonAsync(HttpStatusCode.Accepted);
        JsonObject second = await (await PostAsync(first["spec"]!.ToJsonString())).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(first["spec"]!.ToJsonString(), second["spec"]!.ToJsonString());
    }

    [Fact]
    public async Task Create_SpecOfAnEarlierVersion_IsAccepted()
    {
        JsonObject job = await (await PostAsync("""{"scheduleSteps": 0, "labels": [], "steps": 30}""")).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(30, (int)job["spec"]!["scheduleSteps"]!);
    }

    [Fact]
    public async Task Create_TensorOverTheInlineLimit_Is422()
    {
        using var factory = new ApiFactory { Settings = new() { ["Limits:MaxInlineNumbers"] = "3" } };

        HttpResponseMessage response = await factory.CreateClient()
            .PostJsonAsync("/v1/jobs", """{"model": "moons", "spec": {"data": [[1, 2], [3, 4]]}}""");

        Assert.Contains("limit of 3", await response.FieldErrorAsync("spec.data", HttpStatusCode.UnprocessableEntity, "overPolicy"));
    }

    [Fact]
    public async Task Create_ResultOverTheLimit_Is422()
    {
        using var factory = new ApiFactory { Settings = new() { ["Limits:MaxResultNumbers"] = "100" } };

        HttpResponseMessage response = await factory.CreateClient()
            .PostJsonAsync("/v1/jobs", """{"model": "moons", "spec": {"chains": 10, "steps": 10, "thin": 1}}""");

        Assert.Contains("over this server's limit",
            await response.FieldErrorAsync("spec.thin", HttpStatusCode.UnprocessableEntity, "overPolicy"));
    }

    [Theory]
    [InlineData(null, "default")]
    [InlineData("team-7_a.B", "team-7_a.B")]
    public async Task Create_Tenant_IsShownAndPassedOn(string? header, string tenant)
    {
        JsonObject job = await (await PostAsync("{}", header)).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(tenant, (string?)job["tenant"]);
        Assert.Equal(tenant, _factory.Jobs.Last!.Tenant);
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("a/b")]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012345")]
    public async Task Create_BadTenant_Is400(string header) => await (await PostAsync("{}", header)).FieldErrorAsync("X-Tenant");

    private Task<HttpResponseMessage> PostAsync(string spec, string? tenant = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent($$"""{"model": "moons", "spec": {{spec}}}""", null, "application/json"),
        };
        if (tenant is not null)
            request.Headers.TryAddWithoutValidation("X-Tenant", tenant);
        return _client.SendAsync(request, HttpTestExtensions.Cancel);
    }
}
