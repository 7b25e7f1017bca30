using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Sampling;

/// <summary>One sampling job in this process.</summary>
internal sealed class SampleRunner(CliEnvironment environment, string modelFolder, string? version, SamplingRequest request, string output)
{
    // Nothing here travels with every answer about a job, so that start points and masks may be as large as they are.
    private static readonly SamplingPolicy Policy = new(MaxInlineNumbers: int.MaxValue);

    public int Run(CancellationToken cancellation)
    {
        (ServiceProvider services, string name) = InferenceHost.Open(modelFolder, environment);
        using ServiceProvider scope = services;
        HostedModel model = InferenceHost.Find(services, name, version);
        string device = services.GetRequiredService<IComputeDevice>().Info.Kind;
        SamplingSpec spec = SamplingSpecFactory.Create(request, model, device, Policy, NewSeed).OrThrow();
        environment.Out.WriteLine(
            $"Sampling {model.Key}: {spec.Chains} chains of {spec.Steps} steps, kernel {JsonNamingPolicy.CamelCase.ConvertName(spec.Kernel.ToString())}, "
            + $"recipe {spec.Recipe}, seed {spec.Seed}, blocks of {spec.BlockSize}, {device}.");

        var job = new JobDefinition("local", model.Reference(), spec);
        JobProgress? last = null;
        using var display = new JobDisplay(environment);
        LocalJobResult drawn = display.Run(
            update => services.GetRequiredService<LocalJobRunner>().Run(job, progress => update(last = progress), cancellation));
        var made = new ResultFiles();
        services.GetRequiredService<IResultAssembler>().Assemble(job, drawn.Blocks, drawn.Stopped, made);
        IReadOnlyList<ResultFile> files = made.All;
        Directory.CreateDirectory(output);
        foreach (ResultFile file in files)
            AtomicFile.Write(Path.Combine(output, file.Name), file.Content);
        Conclude(drawn.Stopped, last, files);
        return ExitCode.Ok;
    }

    private void Conclude(string stopped, JobProgress? last, IReadOnlyList<ResultFile> files)
    {
        JsonElement card = JsonSerializer.Deserialize<JsonElement>(files.First(file => file.Name == "card.json").Content);
        environment.Out.WriteLine(SampleSummary.Of(card, stopped, last));
        environment.Out.WriteLine($"Wrote {string.Join(", ", files.Select(file => file.Name))} to {output}.");
        foreach (string warning in SampleSummary.Warnings(card))
            environment.Error.WriteLine($"ebm: {warning}");
    }

    private static long NewSeed() => (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & (ulong)SamplingSpecFactory.MaxSeed);
}
