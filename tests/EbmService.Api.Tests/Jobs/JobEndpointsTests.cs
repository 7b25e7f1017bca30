using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Sampling;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

public sealed class JobEndpointsTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public JobEndpointsTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task Create_OnlyModel_Is202WithLocationRetryAfterAndEveryDefault()
    {
        HttpResponseMessage response = await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""");

        JsonObject job = await response.JsonAsync(HttpStatusCode.Accepted);
        Assert.Equal($"/v1/jobs/{job["id"]}", response.Headers.Location?.ToString());
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal("sampling", (string?)job["type"]);
        Assert.Equal("queued", (string?)job["status"]);
        Assert.Equal("own", (string?)job["spec"]!["recipe"]);
        Assert.Equal(64, (int)job["spec"]!["chains"]!);
        Assert.InRange((long)job["spec"]!["seed"]!, 0, SamplingSpecFactory.MaxSeed);
        Assert.Empty(job["progress"]!["metrics"]!.AsObject());
        Assert.Equal($"/v1/jobs/{job["id"]}/events", (string?)job["links"]!["events"]);
    }

    [Fact]
    public async Task Create_TwoJobsWithoutSeed_GetDifferentSeeds()
    {
        long[] seeds = [(await CreateAsync()).Seed, (await CreateAsync()).Seed];

        Assert.NotEqual(seeds[0], seeds[1]);
    }

    [Fact]
    public async Task Create_SpecOfAJobSentAgain_GivesTheSameSpec()
    {
        JsonObject first = await (await _client.PostJsonAsync("/v1/jobs", """{"model": "moons/1"}""")).JsonAsync(HttpStatusCode.Accepted);

        var again = new JsonObject { ["model"] = "moons", ["spec"] = first["spec"]!.DeepClone() };
        JsonObject second = await (await _client.PostJsonAsync("/v1/jobs", again.ToJsonString())).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(first["spec"]!.ToJsonString(), second["spec"]!.ToJsonString());
    }

    [Theory]
    [InlineData("""{}""", "model", "GET /v1/models")]
    [InlineData("""{"model": "digits", "spec": {"recipe": "nope"}}""", "spec.recipe", "Known: igebm")]
    [InlineData("""{"model": "digits", "spec": {"stepSize": -1}}""", "spec.stepSize", "above 0")]
    [InlineData("""{"model": "digits", "spec": {"steps": -5}}""", "spec.steps", "at least 1")]
    [InlineData("""{"model": "digits", "spec": {"noise": 1, "temperature": 1}}""", "spec.noise", "exclude each other")]
    [InlineData("""{"model": "digits", "spec": {"stepsize": 1}}""", "spec.stepsize", "no member 'stepsize'")]
    [InlineData("""{"model": "digits", "steps": 5}""", "steps", "no member 'steps'")]
    [InlineData("""{"model": "digits", "spec": {"steps": "many"}}""", "spec.steps", "whole number")]
    [InlineData("""{"model": "digits", "spec": {"order": "sideways"}}""", "spec.order", "gradientFirst, noiseFirst")]
    [InlineData("""{"model": "digits", "spec": {"stepSize": NaN}}""", "spec.stepSize", "NaN")]
    [InlineData("""{"model": "digits", "spec": {"label": 7}}""", "spec.label", "between 0 and 2")]
    [InlineData("""{"model": "digits", "type": "painting"}""", "type", "Known: sampling")]
    [InlineData("""{"model": "digits", "priority": 11}""", "priority", "between")]
    [InlineData("""{"model": "digits", "tags": [""]}""", "tags", "1 to 64")]
    [InlineData("""{"model": "digits", "tags": {}}""", "tags", "list")]
    [InlineData("""{"model": "digits" "spec": {}}""", "body", "position")]
    public async Task Create_BadBody_NamesTheFieldAndTheRemedy(string body, string field, string says)
    {
        HttpResponseMessage response = await _client.PostJsonAsync("/v1/jobs", body);

        Assert.Contains(says, await response.FieldErrorAsync(field));
    }

    [Fact]
    public async Task Create_SeveralErrors_ReportsThemAll()
    {
        HttpResponseMessage response = await _client.PostJsonAsync(
            "/v1/jobs", """{"model": "digits", "priority": 99, "spec": {"stepSize": -1, "chains": 0}}""");

        JsonObject problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");
        Assert.Equal(["priority", "spec.chains", "spec.stepSize"], problem["errors"]!.AsObject().Select(entry => entry.Key).Order());
    }

    [Fact]
    public async Task Create_BillionSteps_Is422WithTheLimit()
    {
        HttpResponseMessage response = await _client.PostJsonAsync("/v1/jobs", """{"model": "digits", "spec": {"steps": 1000000000}}""");

        Assert.Contains("1000000", await response.FieldErrorAsync("spec.steps", HttpStatusCode.UnprocessableEntity, "overPolicy"));
    }

    [Fact]
    public async Task Create_UnknownModel_Is404() =>
        await (await _client.PostJsonAsync("/v1/jobs", """{"model": "nobody"}""")).ProblemAsync(HttpStatusCode.NotFound, "modelNotFound");

    [Theory]
    [InlineData("training", "new-model", HttpStatusCode.Forbidden, "Training:Enabled")]
    [InlineData("training", "", HttpStatusCode.BadRequest, "Name the model")]
    [InlineData("scoring", "new-model", HttpStatusCode.NotFound, "")]
    public async Task Create_TypeThatMakesAModel_NeedsNoneThatIsThere(string type, string model, HttpStatusCode status, string says)
    {
        var body = new JsonObject { ["type"] = type, ["model"] = model, ["spec"] = new JsonObject() };
        using HttpResponseMessage answer = await _client.PostJsonAsync("/v1/jobs", body.ToJsonString());

        Assert.Contains(says, (await answer.JsonAsync(status)).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_TooDeepJson_Is400() =>
        await (await _client.PostJsonAsync(
            "/v1/jobs", $$"""{"model": "digits", "tags": {{new string('[', 80)}}{{new string(']', 80)}}}"""))
            .ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");

    [Fact]
    public async Task Create_QueueFull_Is503WithRetryAfter()
    {
        _factory.Jobs.Refuses = new Failure(FailureCode.QueueFull, "The queue is full.") { RetryAfter = TimeSpan.FromSeconds(41.2) };

        HttpResponseMessage response = await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""");

        await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "queueFull");
        Assert.Equal(TimeSpan.FromSeconds(42), response.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task Create_SameIdempotencyKey_IsOneJob_AnotherBodyIs422()
    {
        JsonObject first = await (await PostWithAsync("Idempotency-Key", "k1", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted);
        JsonObject second = await (await PostWithAsync("Idempotency-Key", "k1", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted);
        HttpResponseMessage other = await PostWithAsync("Idempotency-Key", "k1", """{"model": "moons"}""");

        Assert.Equal((string?)first["id"], (string?)second["id"]);
        await other.ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotencyMismatch");
    }

    [Theory]
    [InlineData("""{"priority":1,"model":"digits","spec":{"chains":8,"stepSize":0.5}}""")]
    [InlineData("""{ "model" : "digits",  "spec" : { "stepSize" : 5e-1, "chains" : 8 }, "priority" : 1 }""")]
    [InlineData("""{"model":"d\u0069gits","priority":1,"spec":{"chains":8,"stepSize":0.50,"label":null},"tags":null}""")]
    public async Task Create_SameMeaningInOtherBytes_IsTheSameRequest(string body)
    {
        JsonObject first = await (await PostWithAsync(
            "Idempotency-Key", "m", """{"model": "digits", "priority": 1, "spec": {"chains": 8, "stepSize": 0.5}}"""))
            .JsonAsync(HttpStatusCode.Accepted);
        JsonObject second = await (await PostWithAsync("Idempotency-Key", "m", body)).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal((string?)first["id"], (string?)second["id"]);
    }

    [Fact]
    public async Task Create_SameKeyOfAnotherTenant_IsAnotherJob()
    {
        async Task<string?> IdAsync(string tenant)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
            {
                Content = new StringContent("""{"model": "digits"}""", null, "application/json"),
            };
            request.Headers.Add("Idempotency-Key", "t");
            request.Headers.Add("X-Tenant", tenant);
            return (string?)(await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Accepted))["id"];
        }

        string? first = await IdAsync("a");

        Assert.NotEqual(first, await IdAsync("b"));
        Assert.Equal(first, await IdAsync("a"));
    }

    [Fact]
    public async Task Create_OverlongIdempotencyKey_Is400() =>
        await (await PostWithAsync("Idempotency-Key", new string('k', 256), """{"model": "digits"}""")).FieldErrorAsync("Idempotency-Key");

    [Fact]
    public async Task Create_PreferWait_Is202WhenNotDoneInTime()
    {
        HttpResponseMessage response = await PostWithAsync("Prefer", "respond-async, wait=0", """{"model": "digits"}""");

        await response.JsonAsync(HttpStatusCode.Accepted);
        Assert.Equal("wait", Assert.Single(response.Headers.GetValues("Preference-Applied")));
    }

    [Fact]
    public async Task Create_PreferWait_Is200WhenDoneInTime()
    {
        Task<HttpResponseMessage> waiting = PostWithAsync("Prefer", "wait=30", """{"model": "digits"}""");
        await Poll.UntilAsync(async () => (await ListAsync("")).Count == 1);
        _factory.Jobs.Finish((string)(await ListAsync(""))[0]!["id"]!);

        JsonObject job = await (await waiting).JsonAsync();

        Assert.Equal("succeeded", (string?)job["status"]);
        Assert.Null(job["links"]!["cancel"]);
    }

    [Fact]
    public async Task List_Pages_FollowTheCursor()
    {
        string[] ids = [(await CreateAsync()).Id, (await CreateAsync()).Id, (await CreateAsync()).Id];

        JsonObject first = await (await _client.GetAsync("/v1/jobs?limit=2", HttpTestExtensions.Cancel)).JsonAsync();
        JsonObject second = await (await _client.GetAsync(
            $"/v1/jobs?limit=2&cursor={first["nextCursor"]}", HttpTestExtensions.Cancel)).JsonAsync();

        Assert.Equal(ids.Reverse(), first["jobs"]!.AsArray().Concat(second["jobs"]!.AsArray()).Select(job => (string)job!["id"]!));
        Assert.Null(second["nextCursor"]);
    }

    [Fact]
    public async Task List_Filters_ByStatusModelType()
    {
        (string id, _) = await CreateAsync();
        await CreateAsync("moons");
        _factory.Jobs.Finish(id);

        Assert.Equal(id, (string?)Assert.Single(await ListAsync("?status=succeeded&type=sampling"))!["id"]);
        Assert.Equal("moons", (string?)Assert.Single(await ListAsync("?model=moons"))!["models"]![0]!["name"]);
    }

    [Theory]
    [InlineData("?status=sleeping", "status")]
    [InlineData("?status=1", "status")]
    [InlineData("?type=cooking", "type")]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=many", "limit")]
    public async Task List_BadQuery_NamesTheParameter(string query, string field) =>
        await (await _client.GetAsync("/v1/jobs" + query, HttpTestExtensions.Cancel)).FieldErrorAsync(field);

    [Fact]
    public async Task Cancel_QueuedThenAgain_Is202Then409()
    {
        (string id, _) = await CreateAsync();

        JsonObject job = await (await _client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpTestExtensions.Cancel))
            .JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal("cancelled", (string?)job["status"]);
        await (await _client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.Conflict, "invalidTransition");
    }

    [Fact]
    public async Task Delete_LiveJob_Is409_EndedJobIsGone()
    {
        (string id, _) = await CreateAsync();

        await (await _client.DeleteAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.Conflict, "invalidTransition");
        _factory.Jobs.Finish(id);
        HttpResponseMessage deleted = await _client.DeleteAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel);

        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await (await _client.GetAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");
    }

    private async Task<(string Id, long Seed)> CreateAsync(string model = "digits")
    {
        JsonObject job = await (await _client.PostJsonAsync("/v1/jobs", $$"""{"model": "{{model}}"}""")).JsonAsync(HttpStatusCode.Accepted);
        return ((string)job["id"]!, (long)job["spec"]!["seed"]!);
    }

    private async Task<JsonArray> ListAsync(string query) =>
        (await (await _client.GetAsync("/v1/jobs" + query, HttpTestExtensions.Cancel)).JsonAsync())["jobs"]!.AsArray();

    private Task<HttpResponseMessage> PostWithAsync(string header, string value, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add(header, value);
        return _client.SendAsync(request, HttpTestExtensions.Cancel);
    }
}
