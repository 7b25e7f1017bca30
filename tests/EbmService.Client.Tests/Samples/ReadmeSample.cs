using EbmService.Client.Tests.Service;
using Xunit;
#pragma warning disable IDE0005 // What the sample shows stands whole.
// sample: usings
using EbmService.Client;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
// end
#pragma warning restore IDE0005

namespace EbmService.Client.Tests.Samples;

/// <summary>The sample of the package's README: compiled, run against the service, and compared with the README's text.</summary>
public sealed class ReadmeSample(RunningService service) : IClassFixture<RunningService>
{
    [Fact]
    public async Task Sample_AgainstTheService_Runs()
    {
        using var output = new StringWriter();

        await RunAsync(service.Relay.Address, "bowl", [0.5f, -1f], output);

        string text = output.ToString();
        Assert.Contains("energy 0.625", text);
        Assert.Contains("succeeded", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("64 x 2", text);
        Assert.Contains("spec.chains", text);
    }

    [Fact]
    public void Sample_InTheReadme_IsThisOne()
    {
        string[] source = File.ReadAllLines(SourceFiles.PathOf("tests", "EbmService.Client.Tests", "Samples", "ReadmeSample.cs"));
        string sample = string.Join('\n', [.. Part(source, "// sample: usings"), "", .. Part(source, "// sample: body")]);

        string readme = File.ReadAllText(SourceFiles.PathOf("src", "EbmService.Client", "README.md")).ReplaceLineEndings("\n");

        Assert.Contains("```csharp\n" + sample + "\n```", readme);
    }

    private static async Task RunAsync(Uri address, string model, float[] point, TextWriter output)
    {
        // sample: body
        await using EbmClient client = EbmClient.Create(new EbmClientOptions { BaseAddress = address });

        // A short query: two numbers per input, one input.
        var energies = await client.Queries.EnergyAsync(model, QueryInput.FromValues(point, 1, 2));
        await output.WriteLineAsync($"energy {energies.Results[0].Energy}");

        // A job, watched until it has ended, whatever becomes of connections in between.
        JobResponse job = await client.Jobs.CreateAsync(model, new SamplingRequest { Chains = 64, Steps = 500 });
        await foreach (JobEvent e in client.Jobs.WatchAsync(job.Id))
        {
            if (e is JobProgressEvent { Progress: var progress })
                await output.WriteLineAsync($"{progress.Fraction:P0}, mean energy {progress.Metric("energyMean")}");
            else if (e is JobChangedEvent { Job: var changed })
                await output.WriteLineAsync($"{changed.Status}");
        }

        // Its samples as an array.
        NpyArray samples = await client.Jobs.ReadArrayAsync(job.Id, "samples.npy");
        await output.WriteLineAsync($"{string.Join(" x ", samples.Shape)} numbers, the first is {samples.AsSpan<float>()[0]}");

        // What the service refuses says which member is wrong and what to do.
        try
        {
            await client.Jobs.CreateAsync(model, new SamplingRequest { Chains = 0 });
        }
        catch (EbmException problem)
        {
            await output.WriteLineAsync(problem.Describe());
        }
        // end
    }

    private static IEnumerable<string> Part(string[] source, string mark)
    {
        string[] lines = [.. source.SkipWhile(line => line.Trim() != mark).Skip(1).TakeWhile(line => line.Trim() != "// end")];
        int indent = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return lines.Select(line => line.Length > 0 ? line[indent..] : line);
    }
}
