using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using Spectre.Console;

namespace EbmService.Cli.Running;

/// <summary>How far a job is: a bar for a person, a line per tenth for a file.</summary>
internal sealed class JobDisplay(CliEnvironment environment) : IDisposable
{
    private const int Shown = 4;

    private int _told;

    public async Task<T> RunAsync<T>(Func<Action<JobProgress>, Task<T>> work)
    {
        if (!environment.Interactive)
            return await work(WriteLine);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(environment.Out) });
        return await console.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask("starting", maxValue: 1);
                return await work(progress =>
                {
                    task.Description = Markup.Escape(Figures(progress));
                    task.Value = progress.Fraction;
                });
            });
    }

    private void WriteLine(JobProgress progress)
    {
        int tenth = (int)(progress.Fraction * 10);
        if (tenth <= _told)
            return;
        _told = tenth;
        environment.Out.WriteLine($"{progress.Fraction,4:P0}  {Figures(progress)}");
    }

    private static string Figures(JobProgress progress)
    {
        string text = progress.Metric(SamplingJob.GradientNorm) is null ? Metrics(progress) : Chains(progress);
        string unit = progress.Unit == "chainSteps" ? "chain-steps" : progress.Unit;
        return progress.RatePerSecond is { } rate ? text + string.Create(CultureInfo.InvariantCulture, $"  {rate:N0} {unit}/s") : text;
    }

    /// <summary>The first numbers of a type that this program knows nothing of.</summary>
    private static string Metrics(JobProgress progress) => string.Join("  ", progress.Metrics.Take(Shown)
        .Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:G5}")));

    private static string Chains(JobProgress progress)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"energy {progress.Metric(SamplingJob.EnergyMean):F3}  gradient {progress.Metric(SamplingJob.GradientNorm):F3}");
        if (progress.Metric(SamplingJob.RHat) is { } rHat)
            text += string.Create(CultureInfo.InvariantCulture, $"  R-hat {rHat:F3}");
        if (progress.Metric(SamplingJob.EssBulk) is { } ess)
            text += string.Create(CultureInfo.InvariantCulture, $"  ESS {ess:F0}");
        if (progress.Metric(SamplingJob.Acceptance) is { } acceptance)
            text += string.Create(CultureInfo.InvariantCulture, $"  acceptance {acceptance:F2}");
        if (progress.Metric(SamplingJob.DivergentTransitions) is > 0 and var divergent)
            text += $"  {divergent} divergent";
        return text;
    }

    public void Dispose() => environment.Out.Flush();
}
