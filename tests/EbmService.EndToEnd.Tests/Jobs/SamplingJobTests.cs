using System.Net;
using System.Text.Json.Nodes;
using EbmService.Client;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Jobs;

/// <summary>The main job: digits of every class from noise, watched live, fetched, repeated, cancelled.</summary>
[Collection(ServiceCollection.Name)]
public sealed class SamplingJobTests(ServiceFixture fixture)
{
    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Watch_JsonClient_SeesProgressPreviewsAndTheEndLast() => await WatchAsync(messagePack: false);

    [EndToEndFact]
    public async Task Watch_MessagePackClient_SeesProgressPreviewsAndTheEndLast() => await WatchAsync(messagePack: true);

    [EndToEndFact]
    public async Task Watch_OurClient_SeesProgressPreviewsAndTheEndLast()
    {
        EbmClient ebm = fixture.Service.Ebm;
        JobResponse job = await ebm.Jobs.CreateAsync(
            ServiceHost.Model, new SamplingRequest { Chains = 64, Steps = 100, Seed = 10, PreviewEvery = 10 }, cancellationToken: HttpSteps.Cancel);
        List<JobEvent> events = [];

        await foreach (JobEvent happened in ebm.Jobs.WatchAsync(job.Id, HttpSteps.Cancel))
            events.Add(happened);

        Assert.Equal(JobStatus.Succeeded, Assert.IsType<JobChangedEvent>(events[^1]).Job.Status);
        JobProgressEvent[] progress = [.. events.OfType<JobProgressEvent>()];
        Assert.NotEmpty(progress);
        Assert.Equal(progress.Select(one => one.Progress.Fraction).Order(), progress.Select(one => one.Progress.Fraction));
        Assert.NotEmpty(events.OfType<JobPreviewEvent>());
        Assert.All(events.OfType<JobPreviewEvent>(), preview => AssertPng(preview.Png));
    }

    [EndToEndFact]
    public async Task Results_OfAJob_AreCompleteAndAgree()
    {
        JsonObject job = await RunAsync(DigitSpec(seed: 11));
        string id = (string)job["id"]!;

        TensorPayload samples = NpyFormat.Read(await Client.GetResultAsync(id, "samples.npy"));
        byte[] picture = await Client.GetResultAsync(id, "samples.png");
        JsonObject trace = await Client.GetJsonAsync($"/v1/jobs/{id}/results/trace.json");
        JsonObject card = await Client.GetJsonAsync($"/v1/jobs/{id}/results/card.json");

        Assert.Equal([64, 1, 28, 28], samples.Shape);
        Assert.All(samples.Values, value => Assert.InRange(value, -1, 1));
        AssertPng(picture);
        Assert.Equal(trace["steps"]!.AsArray().Count, trace["energyMean"]!.AsArray().Count);
        Assert.True((double)trace["energyMean"]!.AsArray()[^1]! < (double)trace["energyMean"]![0]!, "the energy did not fall");
        Assert.True((bool)card["complete"]!);
        Assert.Equal((string?)job["models"]![0]!["digest"], (string?)card["model"]!["digest"]);
        foreach (JsonNode? entry in job["results"]!.AsArray())
            Assert.Equal((string?)entry!["sha256"], await Client.HashOfResultAsync(id, (string)entry["name"]!));
        Assert.Equal((string?)card["samplesSha256"], await Client.HashOfResultAsync(id, "samples.npy"));
    }

    [EndToEndFact]
    public async Task Results_SameSpecBesideStrangers_HaveTheSameBits()
    {
        string alone = await HashAsync(await RunAsync(SmallSpec(seed: 12)));

        Task<JsonObject[]> strangers = Task.WhenAll(RunAsync(HttpSteps.Spec(24, 60, 5)), RunAsync(HttpSteps.Spec(16, 80, 6)));
        JsonObject beside = await RunAsync(SmallSpec(seed: 12));
        string again = await HashAsync(await RunAsync(beside["spec"]!.DeepClone().AsObject()));
        await strangers;

        Assert.Equal(alone, await HashAsync(beside));
        Assert.Equal(alone, again);
        Assert.NotEqual(alone, await HashAsync(await RunAsync(SmallSpec(seed: 13))));
    }

    [EndToEndFact]
    public async Task Samples_OfAskedClasses_AreClassifiedAsThose()
    {
        EbmClient ebm = fixture.Service.Ebm;
        JobResponse job = (await ebm.Jobs.RunAsync(
            ServiceHost.Model, new SamplingRequest { Chains = 100, Steps = 100, Seed = 14, Labels = [.. Enumerable.Range(0, 10)] },
            cancellationToken: HttpSteps.Cancel)).EnsureSucceeded();

        NpyArray samples = await ebm.Jobs.ReadArrayAsync(job.Id, "samples.npy", HttpSteps.Cancel);
        ClassifyResponse answer = await ebm.Queries.ClassifyAsync(ServiceHost.Model, samples.ToTensor(), cancellationToken: HttpSteps.Cancel);

        int agreeing = answer.Results.Index().Count(result => result.Item.LabelIndex == result.Index % 10);
        Assert.True(agreeing >= 90, $"{agreeing} of 100 samples are of the asked class.");
    }

    [EndToEndFact]
    public async Task Cancel_LongJob_EndsSoonAndKeepsPartialResults()
    {
        string id = await Client.SubmitAsync(HttpSteps.Spec(64, 200_000, 15));
        await Client.WaitUntilAsync(id, job => (long)job["progress"]!["done"]! > 0);

        long begun = TimeProvider.System.GetTimestamp();
        await HttpSteps.ReadAsync(await Client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpSteps.Cancel), HttpStatusCode.Accepted);
        JsonObject ended = await Client.WaitForEndAsync(id);
        TimeSpan took = TimeProvider.System.GetElapsedTime(begun);

        Assert.Equal("cancelled", (string?)ended["status"]);
        Assert.True(took < TimeSpan.FromSeconds(2), $"The cancel took {took}.");
        TensorPayload samples = NpyFormat.Read(await Client.GetResultAsync(id, "samples.npy"));
        Assert.InRange(samples.Rows, 1, 64);
        Assert.False((bool)(await Client.GetJsonAsync($"/v1/jobs/{id}/results/card.json"))["complete"]!);
        using HttpResponseMessage again = await Client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpSteps.Cancel);
        await HttpSteps.ReadAsync(again, HttpStatusCode.Conflict);
    }

    private static JsonObject DigitSpec(long seed) => new()
    {
        ["chains"] = 64, ["steps"] = 100, ["seed"] = seed, ["labels"] = HttpSteps.AllDigits(), ["previewEvery"] = 10,
    };

    /// <summary>Three blocks, the last one smaller.</summary>
    private static JsonObject SmallSpec(long seed)
    {
        JsonObject spec = HttpSteps.Spec(40, 60, seed);
        spec["labels"] = HttpSteps.AllDigits();
        spec["blockSize"] = 16;
        return spec;
    }

    private async Task WatchAsync(bool messagePack)
    {
        await using JobWatch watch = await JobWatch.ConnectAsync(fixture.Service.Address, messagePack);
        string id = await Client.SubmitAsync(DigitSpec(seed: 10));

        await watch.StartAsync(id);
        IReadOnlyList<HubMessage> messages = await watch.ReadToEndAsync();

        HubMessage last = messages[^1];
        Assert.Equal(("changed", "succeeded"), (last.Kind, (string?)last.Body["status"]));
        JsonObject[] progress = [.. messages.Where(message => message.Kind == "progress").Select(message => message.Body)];
        Assert.NotEmpty(progress);
        Assert.Equal(progress.Select(body => (long)body["sequence"]!).Distinct().Order(), progress.Select(body => (long)body["sequence"]!));
        Assert.Equal(progress.Select(body => (double)body["fraction"]!).Order(), progress.Select(body => (double)body["fraction"]!));
        JsonObject[] previews = [.. messages.Where(message => message.Kind == "preview").Select(message => message.Body)];
        Assert.NotEmpty(previews);
        Assert.All(previews, preview => AssertPng(Convert.FromBase64String((string)preview["png"]!)));
        Assert.All(previews, preview => Assert.Equal(0, (int)preview["step"]! % 10));
    }

    /// <summary>Runs a job to its success.</summary>
    private async Task<JsonObject> RunAsync(JsonObject spec)
    {
        string id = await Client.SubmitAsync(spec);
        JsonObject job = await Client.WaitForEndAsync(id);
        Assert.Equal("succeeded", (string?)job["status"]);
        return job;
    }

    private Task<string> HashAsync(JsonObject job) => Client.HashOfResultAsync((string)job["id"]!, "samples.npy");

    private static void AssertPng(byte[] bytes) => Assert.Equal([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], bytes[..8]);
}
