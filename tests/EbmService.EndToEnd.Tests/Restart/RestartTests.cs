using System.Net;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Restart;

/// <summary>What a kill, a stop and a full queue do. Each test has a service of its own.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task Kill_WhileAJobRuns_LosesNothing()
    {
        JsonObject spec = HttpSteps.Spec(64, 400, 30);
        string undisturbed, running, queued;
        string hash;
        // One block at a time: the job behind the running one does not begin before the kill, however slow the machine is.
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data, ("Worker__Slots", "1"), ("Worker__OpenBlocksPerSlot", "1"), ("Worker__ParkedMegabytes", "0")))
        {
            undisturbed = await first.Client.SubmitAsync(spec);
            await first.Client.WaitForEndAsync(undisturbed);
            hash = await first.Client.HashOfResultAsync(undisturbed, "samples.npy");
            running = await first.Client.SubmitAsync(spec);
            JsonObject behind = HttpSteps.Body(HttpSteps.Spec(16, 20, 31), ServiceHost.Model);
            behind["priority"] = -10;
            queued = (string)(await first.Client.PostJsonAsync("/v1/jobs", behind, HttpStatusCode.Accepted))["id"]!;
            await first.Client.WaitUntilAsync(running, job => (double)job["progress"]!["fraction"]! > 0.1);
            await first.KillAsync();
        }

        await using ServiceProcess second = await ServiceHost.StartAsync(_data);
        JsonObject again = await second.Client.WaitForEndAsync(running);
        JsonObject waited = await second.Client.WaitForEndAsync(queued);
        JsonArray listed = (await second.Client.GetJsonAsync("/v1/jobs"))["jobs"]!.AsArray();

        Assert.Equal(new[] { queued, running, undisturbed }, listed.Select(job => (string?)job!["id"]));
        Assert.Equal(("succeeded", 2), ((string?)again["status"], (int)again["attempt"]!));
        Assert.Equal("succeeded", (string?)waited["status"]);
        Assert.Contains($"while job {running} was in its attempt 1", second.Output);
        Assert.DoesNotContain($"while job {queued}", second.Output);
        Assert.Equal(hash, await second.Client.HashOfResultAsync(running, "samples.npy"));
        Assert.Equal(hash, await second.Client.HashOfResultAsync(undisturbed, "samples.npy"));
    }

    [EndToEndFact]
    public async Task Terminate_WhileAJobRuns_EndsSoonWithCodeZero()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(_data);
        string id = await service.Client.SubmitAsync(HttpSteps.Spec(64, 200_000, 32));
        await using JobWatch watch = await JobWatch.ConnectAsync(service.Address);
        await watch.StartAsync(id);
        await service.Client.WaitUntilAsync(id, job => (long)job["progress"]!["done"]! > 0);

        (int exitCode, TimeSpan took) = await service.StopAsync();

        Assert.Equal(0, exitCode);
        Assert.True(took < TimeSpan.FromSeconds(5), $"The stop took {took}.");
        await using ServiceProcess next = await ServiceHost.StartAsync(_data);
        Assert.DoesNotContain("ended without a stop", next.Output);
    }

    [EndToEndFact]
    public async Task Submit_QueueFull_Is503WithRetryAfter()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(_data, ("Limits__MaxQueuedJobs", "1"), ("Worker__Slots", "1"), ("Worker__OpenBlocksPerSlot", "1"), ("Worker__ParkedMegabytes", "0"));
        string running = await service.Client.SubmitAsync(HttpSteps.Spec(64, 200_000, 33));
        await service.Client.WaitUntilAsync(running, job => (string?)job["status"] == "running");
        string queued = await service.Client.SubmitAsync(HttpSteps.Spec(64, 200_000, 34));

        var body = new JsonObject { ["model"] = ServiceHost.Model, ["spec"] = HttpSteps.Spec(1, 1, 35) };
        using HttpResponseMessage refused = await service.Client.PostAsync("/v1/jobs", new StringContent(body.ToJsonString(), null, "application/json"), HttpSteps.Cancel);
        JsonObject problem = await HttpSteps.ReadAsync(refused, HttpStatusCode.ServiceUnavailable);

        Assert.Equal("queueFull", (string?)problem["code"]);
        Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        Assert.Equal("queued", (string?)(await service.Client.GetJobAsync(queued))["status"]);
    }
}
