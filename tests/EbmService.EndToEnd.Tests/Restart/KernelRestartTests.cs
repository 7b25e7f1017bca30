using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using EbmService.EndToEnd.Tests.Sampling;
using Xunit;

namespace EbmService.EndToEnd.Tests.Restart;

/// <summary>Every kernel through a kill, a stop and a damaged checkpoint: it goes on where it was stored, to the same bits.</summary>
[Collection(ServiceCollection.Name)]
public sealed class KernelRestartTests(ServiceFixture fixture) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task Kill_MidRun_EveryKernelEndsWithTheSameBits()
    {
        string[] reference = await KernelRuns.ReferenceAsync(fixture.Client, KernelCase.All);
        string[] ids;
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data, ("Worker__CheckpointSeconds", "0.2")))
        {
            ids = await KernelRuns.SubmitAsync(first.Client, KernelCase.All);
            await KernelRuns.WaitForAllAsync(first.Client, ids, job => Checkpoints((string)job["id"]!).Length > 0);
            await first.KillAsync();
        }

        await using ServiceProcess second = await ServiceHost.StartAsync(_data);
        JsonObject[] resumed = await KernelRuns.WaitForAllAsync(second.Client, ids, _ => true);

        Assert.Equal(reference, await KernelRuns.HashesAsync(second.Client, KernelCase.All, ids));
        JsonObject[] unfinished = [.. resumed.Where(job => !job.IsOver())];
        Assert.True(unfinished.Length >= KernelCase.All.Count / 2, "the kill came too late to disturb most jobs");
        Assert.Contains(unfinished, job => KernelRuns.StepOf(job) > 0);
    }

    [SoakFact]
    public async Task Terminate_MidRun_StoresEveryChainAndTheNextProcessGoesOnThere()
    {
        string[] reference = await KernelRuns.ReferenceAsync(fixture.Client, KernelCase.All);
        // Nothing is stored on the way: what the next process finds, the stop has stored.
        (string, string)[] settings = [("Worker__CheckpointSeconds", "3600"), ("Worker__StopSeconds", "5")];
        string[] ids;
        JsonObject[] before;
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data, settings))
        {
            ids = await KernelRuns.SubmitAsync(first.Client, KernelCase.All);
            await KernelRuns.WaitForAllAsync(first.Client, ids, job => KernelRuns.StepOf(job) > 0);
            before = await KernelRuns.WaitForAllAsync(first.Client, ids, _ => true);

            (int exitCode, TimeSpan took) = await first.StopAsync();

            Assert.Equal(0, exitCode);
            Assert.True(took < TimeSpan.FromSeconds(5 + 2), $"The stop took {took}.");
        }

        await using ServiceProcess second = await ServiceHost.StartAsync(_data, settings);
        JsonObject[] after = await KernelRuns.WaitForAllAsync(second.Client, ids, _ => true);

        Assert.All(before.Zip(after), pair => Assert.True(KernelRuns.StepOf(pair.Second) >= KernelRuns.StepOf(pair.First),
            $"{pair.First["spec"]!["kernel"]} had done {KernelRuns.StepOf(pair.First)} steps and goes on at {KernelRuns.StepOf(pair.Second)}"));
        Assert.Contains(after, job => !job.IsOver());
        Assert.Equal(reference, await KernelRuns.HashesAsync(second.Client, KernelCase.All, ids));
    }

    [EndToEndFact]
    public async Task Kill_NewestCheckpointDamaged_GoesOnFromTheOneBefore()
    {
        KernelCase[] hmc = [.. KernelCase.All.Where(one => one.Name == "hmc").Select(one => one with { Steps = 12 * one.Steps })];
        string[] reference = await KernelRuns.ReferenceAsync(fixture.Client, hmc);
        string id;
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data, ("Worker__CheckpointSeconds", "0.2")))
        {
            id = (await KernelRuns.SubmitAsync(first.Client, hmc))[0];
            // Both generations of the first block.
            await first.Client.WaitUntilAsync(id, _ => Checkpoints(id).Count(path => Path.GetFileName(path).StartsWith("000000", StringComparison.Ordinal)) == 2);
            await first.KillAsync();
        }
        string newest = Checkpoints(id).Where(path => Path.GetFileName(path).StartsWith("000000", StringComparison.Ordinal)).MaxBy(StepOfFile)!;
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^100] ^= 0x40;
        File.WriteAllBytes(newest, bytes);

        await using ServiceProcess second = await ServiceHost.StartAsync(_data);

        Assert.Equal(reference, await KernelRuns.HashesAsync(second.Client, hmc, [id]));
        Assert.Contains("A checkpoint of block 0", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("starts over at step 0", second.Output, StringComparison.Ordinal);
    }

    private string[] Checkpoints(string id)
    {
        string folder = Path.Combine(_data, "jobs", id, "checkpoints");
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Where(path => Path.GetFileName(path).Length == "000000.0".Length)] : [];
    }

    /// <summary>The step in the file's head.</summary>
    private static int StepOfFile(string path) => BitConverter.ToInt32(File.ReadAllBytes(path), 12);
}
