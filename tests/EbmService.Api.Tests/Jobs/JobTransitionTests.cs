using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

/// <summary>Pause, resume, extend, and the links that say when.</summary>
public sealed class JobTransitionTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public JobTransitionTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task PauseAndResume_QueuedJob_ChangeItsLinks()
    {
        string id = await CreateAsync();

        JsonObject queued = await GetAsync(id);
        JsonObject paused = await (await PostAsync($"/v1/jobs/{id}/pause")).JsonAsync(HttpStatusCode.Accepted);
        JsonObject resumed = await (await PostAsync($"/v1/jobs/{id}/resume")).JsonAsync(HttpStatusCode.Accepted);
        _factory.Jobs.Finish(id);
        JsonObject ended = await GetAsync(id);

        Assert.Equal(["queued", "paused", "queued", "succeeded"],
            new[] { queued, paused, resumed, ended }.Select(job => (string?)job["status"]));
        Assert.Equal(["cancel", "pause"], Open(queued));
        Assert.Equal(["cancel", "resume"], Open(paused));
        Assert.Equal(["cancel", "pause"], Open(resumed));
        Assert.Equal(["extend"], Open(ended));
        Assert.Equal($"/v1/jobs/{id}/extend", (string?)ended["links"]!["extend"]);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("extend")]
    public async Task Transition_UnknownJob_Is404(string verb) =>
        await (await PostAsync($"/v1/jobs/nobody/{verb}", """{"steps": 1}""")).ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");

    [Theory]
    [InlineData("pause")]
    [InlineData("resume")]
    public async Task PauseOrResume_EndedJob_Is409(string verb)
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        await (await PostAsync($"/v1/jobs/{id}/{verb}")).ProblemAsync(HttpStatusCode.Conflict, "invalidTransition");
    }

    [Fact]
    public async Task Extend_JobThatARuleStopped_IsANewJobOfItsStepsAndTheNewOnes()
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        HttpResponseMessage response = await PostAsync($"/v1/jobs/{id}/extend", """{"steps": 30}""");

        JsonObject longer = await response.JsonAsync(HttpStatusCode.Accepted);
        Assert.NotEqual(id, (string?)longer["id"]);
        Assert.Equal($"/v1/jobs/{longer["id"]}", response.Headers.Location?.ToString());
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal((id, 42, 20), ((string?)longer["extends"], (int)longer["spec"]!["steps"]!, (int)longer["spec"]!["scheduleSteps"]!));
        Assert.Equal(longer.ToJsonString(), (await GetAsync((string)longer["id"]!)).ToJsonString());
    }

    [Fact]
    public async Task Extend_UnfinishedJob_Is409() =>
        await (await PostAsync($"/v1/jobs/{await CreateAsync()}/extend", """{"steps": 1}"""))
            .ProblemAsync(HttpStatusCode.Conflict, "invalidTransition");

    [Theory]
    [InlineData("""{"steps": 0}""", "steps", "at least 1")]
    [InlineData("""{"steps": -3}""", "steps", "at least 1")]
    [InlineData("""{}""", "steps", "missing")]
    [InlineData("""{"steps": "many"}""", "steps", "whole number")]
    [InlineData("""{"steps": 1e3}""", "steps", "whole number")]
    [InlineData("""{"steps": 10, "chains": 4}""", "chains", "no member 'chains'")]
    [InlineData("""[10]""", "body", "JSON object")]
    public async Task Extend_BadBody_NamesTheField(string body, string field, string says)
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        Assert.Contains(says, await (await PostAsync($"/v1/jobs/{id}/extend", body)).FieldErrorAsync(field));
    }

    [Theory]
    [InlineData(1_000_000, "1000000")]
    [InlineData(2_147_483_647, "more than any job")]
    public async Task Extend_OverThePolicy_Is422(int steps, string says)
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        HttpResponseMessage response = await PostAsync($"/v1/jobs/{id}/extend", $$"""{"steps": {{steps}}}""");

        Assert.Contains(says, await response.FieldErrorAsync("steps", HttpStatusCode.UnprocessableEntity, "overPolicy"));
    }

    [Fact]
    public async Task Extend_NotJson_Is415()
    {
        var body = new StringContent("steps=3", null, "application/x-www-form-urlencoded");

        HttpResponseMessage response = await _client.PostAsync($"/v1/jobs/{await CreateAsync()}/extend", body, HttpTestExtensions.Cancel);

        await response.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");
    }

    [Fact]
    public async Task Job_Ended_SaysWhyItsChainsStopped()
    {
        string id = await CreateAsync();
        JsonObject queued = await GetAsync(id);
        _factory.Jobs.Finish(id);

        Assert.True(queued.ContainsKey("stopReason"));
        Assert.Null(queued["stopReason"]);
        Assert.Equal("untilEss", (string?)(await GetAsync(id))["stopReason"]);
    }

    private static string[] Open(JsonObject job) =>
        [.. job["links"]!.AsObject()
            .Where(link => link.Value is not null && link.Key is not ("self" or "events" or "results")).Select(link => link.Key)];

    private async Task<string> CreateAsync() =>
        (string)(await (await PostAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted))["id"]!;

    private Task<HttpResponseMessage> PostAsync(string path, string? body = null) =>
        body is null ? _client.PostAsync(path, null, HttpTestExtensions.Cancel) : _client.PostJsonAsync(path, body);

    private async Task<JsonObject> GetAsync(string id) =>
        await (await _client.GetAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel)).JsonAsync();
}
