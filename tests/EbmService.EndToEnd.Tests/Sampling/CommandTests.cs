using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary><c>ebm sample</c> runs the service's engine: the same files for every kernel, and nothing is left of it.</summary>
[Collection(ServiceCollection.Name)]
public sealed class CommandTests(ServiceFixture fixture) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    private HttpClient Client => fixture.Client;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Kernels of each kind of state: the others' files are compared in one process, by SameBitsTests.</summary>
    private static readonly string[] s_kernels = ["sgld", "hmc", "tempering", "gibbsWithGradients", "temperedGibbs"];

    [EndToEndFact]
    public async Task Sample_ByACommand_GivesTheFilesOfTheServicesJob()
    {
        string temporary = Directory.CreateDirectory(Path.Combine(_folder, "temporary")).FullName;
        var differing = new List<string>();
        foreach (KernelCase one in KernelCase.All.Where(one => s_kernels.Contains(one.Name)).Select(one => one.Short()))
        {
            string id = await Client.SubmitAsync(one.Spec(), one.Model);
            JsonObject job = await Client.WaitForEndAsync(id);
            string spec = Path.Combine(_folder, $"{one.Name}.json"), output = Path.Combine(_folder, one.Name);
            await File.WriteAllTextAsync(spec, one.Spec().ToJsonString(), HttpSteps.Cancel);

            using var command = new CommandProcess(temporary, "sample", Path.Combine(ServiceHost.Models, one.Model), "--spec", spec, "--out", output);
            (int code, string text) = await command.EndAsync();

            Assert.True(code == 0, $"{one.Name}: {text}");
            string[] names = [.. job["results"]!.AsArray().Select(result => (string)result!["name"]!)];
            Assert.Equal(names.Order(), Directory.GetFiles(output).Select(path => Path.GetFileName(path)).Order());
            foreach (string name in names)
            {
                byte[] there = await Client.GetResultAsync(id, name), here = await File.ReadAllBytesAsync(Path.Combine(output, name), HttpSteps.Cancel);
                if (!there.AsSpan().SequenceEqual(here))
                    differing.Add($"{one.Name}: {name}");
            }
        }

        Assert.Empty(differing);
        Assert.Empty(Directory.GetFileSystemEntries(temporary, "ebm-*"));
    }

    [EndToEndFact]
    public async Task Sample_Interrupted_ExitsWith130AndLeavesNothing()
    {
        string temporary = Directory.CreateDirectory(Path.Combine(_folder, "temporary")).FullName, output = Path.Combine(_folder, "out");
        using var command = new CommandProcess(
            temporary, "sample", Path.Combine(ServiceHost.Models, ServiceHost.Model), "--chains", "64", "--steps", "1000000", "--out", output);
        while (Directory.GetFiles(temporary, "jobs.db", SearchOption.AllDirectories).Length == 0)
            await Task.Delay(20, HttpSteps.Cancel);
        await Task.Delay(1000, HttpSteps.Cancel);

        command.Stop();
        (int code, string text) = await command.EndAsync();

        Assert.True(code == 130, $"{code}: {text}");
        Assert.EndsWith("ebm: stopped", text.TrimEnd());
        Assert.Empty(Directory.GetFileSystemEntries(temporary, "ebm-*"));
        Assert.False(Directory.Exists(output));
    }
}
