using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary>Jobs that end before their steps are done, and the figures that say when.</summary>
[Collection(ServiceCollection.Name)]
public sealed class StopRuleTests(ServiceFixture fixture) : IDisposable
{
    private const string Model = "two-moons";
    private const int CheckEvery = 50;
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    private HttpClient Client => fixture.Client;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task UntilEss_Hmc_StopsEarlyAtTheSameStepOnAnyNumberOfSlots()
    {
        (JsonObject one, string oneHash) = await RunOnAsync("1");
        (JsonObject three, string threeHash) = await RunOnAsync("3");

        Assert.Equal(("succeeded", "untilEss"), ((string?)one["status"], (string?)one["stopReason"]));
        int step = KernelRuns.StepOf(one);
        Assert.InRange(step, CheckEvery, (int)one["spec"]!["steps"]! - CheckEvery);
        Assert.Equal(0, step % CheckEvery);
        Assert.True((double)one["progress"]!["metrics"]!["essBulk"]! >= 300);
        Assert.Equal((step, oneHash), (KernelRuns.StepOf(three), threeHash));
    }

    [EndToEndFact]
    public async Task Deadline_LongJob_SucceedsWithWhatItHas()
    {
        JsonObject spec = HttpSteps.Spec(24, 1_000_000, 51);
        spec["stop"] = new JsonObject { ["deadlineSeconds"] = 1.5 };

        string id = await Client.SubmitAsync(spec, Model);
        JsonObject job = await Client.WaitForEndAsync(id);

        Assert.Equal(("succeeded", "deadline"), ((string?)job["status"], (string?)job["stopReason"]));
        Assert.InRange(KernelRuns.StepOf(job), 1, 999_999);
        Assert.Equal([24, 2], NpyFormat.Read(await Client.GetResultAsync(id, "samples.npy")).Shape);
        Assert.False((bool)(await Client.GetJsonAsync($"/v1/jobs/{id}/results/card.json"))["complete"]!);
    }

    [EndToEndFact]
    public async Task Progress_OfALongJob_CarriesDiagnosticsLive()
    {
        await using JobWatch watch = await JobWatch.ConnectAsync(fixture.Service.Address);
        string id = await Client.SubmitAsync(HmcSpec(steps: 500_000), Model);

        await watch.StartAsync(id);
        JsonObject first = (await watch.ReadUntilAsync(message => message.Kind == "progress" && message.Body["metrics"]!["essBulk"] is not null)).Body;
        JsonObject later = (await watch.ReadUntilAsync(message => message.Kind == "progress"
            && (double?)message.Body["metrics"]!["essBulk"] is { } ess && ess != (double)first["metrics"]!["essBulk"]!)).Body;
        await Client.MoveAsync(id, "cancel");
        JsonObject ended = await Client.WaitForEndAsync(id);

        Assert.All((JsonObject[])[first, later], body => Assert.True((double)body["metrics"]!["rHat"]! > 0.9 && (double)body["metrics"]!["essBulk"]! > 0 && (double)body["metrics"]!["essTail"]! > 0));
        Assert.InRange((double)later["metrics"]!["acceptance"]!, 0.01, 1);
        Assert.True((long)later["done"]! > (long)first["done"]!);
        Assert.Equal(("cancelled", "cancelled"), ((string?)ended["status"], (string?)ended["stopReason"]));
    }

    private static JsonObject HmcSpec(int steps)
    {
        JsonObject spec = HttpSteps.Spec(24, steps, 50);
        spec["blockSize"] = 8;
        spec["kernel"] = "hmc";
        spec["warmup"] = 100;
        return spec;
    }

    private async Task<(JsonObject Job, string Hash)> RunOnAsync(string slots)
    {
        JsonObject spec = HmcSpec(steps: 4000);
        spec["stop"] = new JsonObject { ["untilEss"] = 300, ["checkEvery"] = CheckEvery };
        await using ServiceProcess service = await ServiceHost.StartAsync(Path.Combine(_data, slots), ("Worker__Slots", slots));
        string id = await service.Client.SubmitAsync(spec, Model);
        JsonObject job = await service.Client.WaitForEndAsync(id);
        return (job, await service.Client.HashOfResultAsync(id, "samples.npy"));
    }
}
