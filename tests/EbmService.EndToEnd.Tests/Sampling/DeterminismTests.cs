using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary>Same spec, same bits, for every kernel: whoever else is there, on however many slots, however often stopped on the way.</summary>
[Collection(ServiceCollection.Name)]
public sealed class DeterminismTests(ServiceFixture fixture) : IDisposable
{
    private static readonly KernelCase[] Short = [.. KernelCase.All.Select(one => one.Short())];
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    private HttpClient Client => fixture.Client;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task Samples_BesideTwentyStrangersAndQueries_AreThoseOfTheJobAlone()
    {
        string[] alone = await KernelRuns.ReferenceAsync(Client, Short);
        var strangers = new List<string>();
        for (int i = 0; i < 20; i++)
        {
            KernelCase kind = Short[i % Short.Length];
            JsonObject spec = kind.Spec(seed: 1000 + i);
            spec["chains"] = 3 + i;
            strangers.Add(await Client.SubmitAsync(spec, kind.Model));
        }
        string[] ids = await KernelRuns.SubmitAsync(Client, Short);
        using var done = new CancellationTokenSource();
        Task<int> asking = AskUntilAsync(done.Token);

        string[] beside = await KernelRuns.HashesAsync(Client, Short, ids);

        await done.CancelAsync();
        Assert.Equal(alone, beside);
        Assert.True(await asking > 10, "too few queries were asked meanwhile");
        Assert.Equal(alone.Length, alone.Select(line => line.Split(' ')[1]).Distinct().Count());
        await KernelRuns.WaitForAllAsync(Client, strangers, HttpSteps.IsOver);
    }

    [EndToEndFact]
    public async Task Samples_OnOneSlotAndOnThree_AreTheSame()
    {
        string[] reference = await KernelRuns.ReferenceAsync(Client, Short);

        Assert.Equal(reference, await OnSlotsAsync("1"));
        Assert.Equal(reference, await OnSlotsAsync("3"));
    }

    [EndToEndFact]
    public async Task Samples_AfterPauseAndResume_AreThoseOfTheUndisturbedJob()
    {
        string[] reference = await KernelRuns.ReferenceAsync(Client, KernelCase.All);
        string[] ids = await KernelRuns.SubmitAsync(Client, KernelCase.All);

        await KernelRuns.WaitForAllAsync(Client, ids, job => KernelRuns.StepOf(job) > 0, id => Client.MoveAsync(id, "pause"));
        JsonObject[] paused = await KernelRuns.WaitForAllAsync(Client, ids, job => (string?)job["status"] == "paused");
        await Task.Delay(300, HttpSteps.Cancel);
        JsonObject[] later = await KernelRuns.WaitForAllAsync(Client, ids, _ => true);
        foreach (string id in ids)
            await Client.MoveAsync(id, "resume");

        Assert.All(paused, job => Assert.InRange(KernelRuns.StepOf(job), 1, (int)job["spec"]!["steps"]! - 1));
        Assert.Equal(paused.Select(KernelRuns.StepOf), later.Select(KernelRuns.StepOf));
        Assert.Equal(reference, await KernelRuns.HashesAsync(Client, KernelCase.All, ids));
    }

    [EndToEndFact]
    public async Task Samples_AfterExtend_AreThoseOfOneLongJob()
    {
        KernelCase[] halves = [.. Short.Select(one => one with { Steps = 200 })];
        string[] ids = await KernelRuns.SubmitAsync(Client, halves);
        await KernelRuns.HashesAsync(Client, halves, ids);
        var longer = new List<string>();
        var atOnce = new List<string>();
        foreach ((KernelCase half, string id) in halves.Zip(ids))
        {
            JsonObject job = await Client.MoveAsync(id, "extend", new JsonObject { ["steps"] = 200 });
            Assert.Equal((id, 400), ((string?)job["extends"], (int)job["spec"]!["steps"]!));
            longer.Add((string)job["id"]!);
            atOnce.Add(await Client.SubmitAsync(job["spec"]!.AsObject(), half.Model));
        }

        Assert.Equal(await KernelRuns.HashesAsync(Client, halves, atOnce), await KernelRuns.HashesAsync(Client, halves, longer));
        Assert.All(await KernelRuns.WaitForAllAsync(Client, longer, _ => true), job => Assert.Equal(400, KernelRuns.StepOf(job)));
    }

    private async Task<string[]> OnSlotsAsync(string slots)
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(Path.Combine(_data, slots), ("Worker__Slots", slots));
        return await KernelRuns.HashesAsync(service.Client, Short, await KernelRuns.SubmitAsync(service.Client, Short));
    }

    private async Task<int> AskUntilAsync(CancellationToken done)
    {
        int asked = 0;
        while (!done.IsCancellationRequested)
        {
            await Client.PostTextAsync("/v1/models/two-moons/energy", """{"inputs": [[0.5, 0.2], [3, 3]], "gradients": true}""");
            asked++;
            await Task.Delay(5, HttpSteps.Cancel);
        }
        return asked;
    }
}
