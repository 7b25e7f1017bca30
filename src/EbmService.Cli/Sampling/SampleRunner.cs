using System.Security.Cryptography;
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
    public int Run(CancellationToken cancellation)
    {
        (ServiceProvider services, string name) = InferenceHost.Open(modelFolder, environment);
        using ServiceProvider scope = services;
        HostedModel model = InferenceHost.Find(services, name, version);
        string device = services.GetRequiredService<IComputeDevice>().Info.Kind;
        SamplingSpec spec = SamplingSpecFactory.Create(request, model, device, new SamplingPolicy(), NewSeed).OrThrow();
        environment.Out.WriteLine(
            $"Sampling {model.Key}: {spec.Chains} chains of {spec.Steps} steps, recipe {spec.Recipe}, seed {spec.Seed}, blocks of {spec.BlockSize}, {device}.");

        var job = new JobDefinition("local", model.Reference(), spec);
        JobProgress? last = null;
        using var display = new JobDisplay(environment);
        IReadOnlyList<BlockResult> blocks = display.Run(
            update => services.GetRequiredService<LocalJobRunner>().Run(job, progress => update(last = progress), cancellation));
        Directory.CreateDirectory(output);
        IReadOnlyList<ResultFile> files = services.GetRequiredService<IResultAssembler>().Assemble(job, blocks, StopReason.Steps);
        foreach (ResultFile file in files)
            AtomicFile.Write(Path.Combine(output, file.Name), file.Content);
        environment.Out.WriteLine(
            $"Done: mean energy {last?.EnergyMean:F3}, {last?.StepsPerSecond:N0} chain-steps/s. Wrote {string.Join(", ", files.Select(file => file.Name))} to {output}.");
        if (last is { Diverged: > 0 })
            environment.Error.WriteLine($"ebm: {last.Diverged} chains left the finite numbers and were frozen at their last finite point: lower --step-size");
        return ExitCode.Ok;
    }

    private static long NewSeed() => (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & (ulong)SamplingSpecFactory.MaxSeed);
}
