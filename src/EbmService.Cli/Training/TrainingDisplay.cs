using System.Globalization;
using EbmService.Core.Training;
using EbmService.Inference.Training;
using Spectre.Console;

namespace EbmService.Cli.Training;

/// <summary>What the user sees of a run.</summary>
internal interface ITrainingDisplay : IDisposable
{
    /// <summary>Runs the training on the caller's thread while the display is on.</summary>
    TrainingEnd Run(Func<TrainingEnd> training);

    void Update(TrainingProgress progress, double chainStepsPerSecond);
}

/// <summary>A live bar for a person, plain lines for a file.</summary>
internal static class TrainingDisplays
{
    public static ITrainingDisplay Create(CliEnvironment environment, TrainingRecipe recipe) => environment.Interactive
        ? new LiveTrainingDisplay(environment.Out, recipe)
        : new PlainTrainingDisplay(environment.Out, recipe);
}

/// <summary>A bar with the time left and the latest metrics.</summary>
internal sealed class LiveTrainingDisplay(TextWriter output, TrainingRecipe recipe) : ITrainingDisplay
{
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
    private ProgressTask? _task;

    public TrainingEnd Run(Func<TrainingEnd> training) => _console.Progress()
        .HideCompleted(false)
        .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(context =>
        {
            _task = context.AddTask("starting", maxValue: recipe.Iterations);
            return training();
        });

    public void Update(TrainingProgress progress, double chainStepsPerSecond)
    {
        if (_task is null)
            return;
        string metrics = TrainingLine.Metrics(progress, recipe.Classification is not null, chainStepsPerSecond);
        _task.Description = Markup.Escape(
            $"{progress.Iteration}/{progress.Iterations}  left {TrainingLine.Time(progress.Remaining)}  {metrics}");
        _task.Value = progress.Iteration;
    }

    public void Dispose() => output.Flush();
}

/// <summary>A line every so many iterations, for redirected output.</summary>
internal sealed class PlainTrainingDisplay(TextWriter output, TrainingRecipe recipe) : ITrainingDisplay
{
    private const int Every = 50;

    public TrainingEnd Run(Func<TrainingEnd> training) => training();

    public void Update(TrainingProgress progress, double chainStepsPerSecond)
    {
        if (progress.Iteration % Every != 0 && progress.Iteration != progress.Iterations)
            return;
        string metrics = TrainingLine.Metrics(progress, recipe.Classification is not null, chainStepsPerSecond);
        output.WriteLine($"iteration {progress.Iteration}/{progress.Iterations}  {metrics}  left {TrainingLine.Time(progress.Remaining)}");
        output.Flush();
    }

    public void Dispose()
    {
    }
}

/// <summary>One iteration's metrics as text.</summary>
internal static class TrainingLine
{
    public static string Metrics(TrainingProgress progress, bool labelled, double chainStepsPerSecond)
    {
        string classes = labelled ? $"  cross-entropy {progress.CrossEntropy:F3}  accuracy {progress.Accuracy:F3}" : "";
        string swaps = progress.SwapAcceptance is { } acceptance ? string.Create(CultureInfo.InvariantCulture, $"  swaps {acceptance:F2}") : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"E data {progress.EnergyData:F3}  E samples {progress.EnergySamples:F3}{classes}{swaps}  {chainStepsPerSecond:N0} chain-steps/s");
    }

    public static string Time(TimeSpan time) => time.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture);
}
