using EbmService.Inference.Training;
using Spectre.Console;

namespace EbmService.Cli.Training;

/// <summary>A bar with the time left and the latest figures.</summary>
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
        string figures = TrainingLine.Figures(progress, recipe.Classification is not null, chainStepsPerSecond);
        _task.Description = Markup.Escape($"{progress.Iteration}/{progress.Iterations}  left {TrainingLine.Time(progress.Remaining)}  {figures}");
        _task.Value = progress.Iteration;
    }

    public void Dispose() => output.Flush();
}
