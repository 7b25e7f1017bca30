using System.Text.Json;
using EbmService.Cli.Running;
using EbmService.Cli.Engine;
using EbmService.Core.Files;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;

namespace EbmService.Cli.Sampling;

/// <summary>One sampling job on the engine of this process.</summary>
internal sealed class SampleRunner(CliEnvironment environment, string modelFolder, string? version, SamplingRequest request, string output)
{
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using LocalEngine engine = LocalEngine.Open(modelFolder);
        HostedModel model = engine.Find(version);
        JobSubmission submission = await engine.AcceptAsync(SamplingJob.Name, model, request, new StartPoints(model), cancellationToken);
        var spec = (SamplingSpec)submission.Spec;
        environment.Out.WriteLine(
            $"Sampling {model.Key}: {spec.Chains} chains of {spec.Steps} steps, kernel {JsonNamingPolicy.CamelCase.ConvertName(spec.Kernel.ToString())}, "
            + $"recipe {spec.Recipe}, seed {spec.Seed}, blocks of {spec.BlockSize}, {engine.Device.Kind}.");
        foreach (string warning in submission.Warnings)
            environment.Error.WriteLine($"warning: {warning}");

        submission = submission with { Attachments = StartPoints.Read(spec.Inputs) };
        using var display = new JobDisplay(environment);
        FinishedJob done = await display.RunAsync(report => engine.RunAsync(submission, report, cancellationToken));
        Directory.CreateDirectory(output);
        foreach (ResultEntry result in done.Job.Results)
        {
            await using Stream content = await done.OpenAsync(result.Name, cancellationToken);
            DurableFiles.Replace(Path.Combine(output, result.Name), content.CopyTo);
        }
        Conclude(done.Job, JsonSerializer.Deserialize<JsonElement>(await done.ReadAsync("card.json", cancellationToken)));
        return ExitCode.Ok;
    }

    private void Conclude(JobSnapshot job, JsonElement card)
    {
        environment.Out.WriteLine(SampleSummary.Of(card, job));
        environment.Out.WriteLine($"Wrote {string.Join(", ", job.Results.Select(result => result.Name))} to {output}.");
        foreach (string warning in SampleSummary.Warnings(card))
            environment.Error.WriteLine($"ebm: {warning}");
    }
}
