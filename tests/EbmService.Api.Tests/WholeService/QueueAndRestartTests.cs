using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

public sealed class QueueAndRestartTests : IDisposable
{
    private const string LongJob = """{"model": "wells", "spec": {"chains": 16, "steps": 1000000, "seed": 1}}""";
    private readonly ServiceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Create_QueueFull_Is503WithRetryAfter()
    {
        await using var factory = new ServiceFactory(_folder, ("Limits:MaxQueuedJobs", "1"), ("Worker:Slots", "1"));
        HttpClient client = factory.CreateClient();
        string running = (string)(await client.StartJobAsync(LongJob))["id"]!;
        await Poll.UntilAsync(async () => (string?)(await client.GetJobAsync(running))["status"] == "running");

        HttpResponseMessage response;
        int accepted = 0;
        while ((response = await client.PostJsonAsync("/v1/jobs", LongJob)).StatusCode == HttpStatusCode.Accepted && accepted < 10)
            accepted++;

        await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "queueFull");
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Restart_ShowsAllJobsAndStartsTheUnfinishedOver()
    {
        string done, unfinished;
        await using (var first = new ServiceFactory(_folder))
        {
            HttpClient client = first.CreateClient();
            done = (string)(await client.RunJobAsync("""{"model": "bowl"}"""))["id"]!;
            unfinished = (string)(await client.StartJobAsync(LongJob))["id"]!;
            await Poll.UntilAsync(async () => (string?)(await client.GetJobAsync(unfinished))["status"] == "running");
        }

        await using var second = new ServiceFactory(_folder);
        HttpClient after = second.CreateClient();
        await Poll.UntilAsync(async () => (string?)(await after.GetJobAsync(unfinished))["status"] == "running");
        JsonObject job = await after.GetJobAsync(done);

        Assert.Equal("succeeded", (string?)job["status"]);
        Assert.Equal(2, (int)(await after.GetJobAsync(unfinished))["attempt"]!);
        Assert.Equal(HttpStatusCode.OK, (await after.GetAsync($"/v1/jobs/{done}/results/samples.npy", HttpTestExtensions.Cancel)).StatusCode);
    }
}
