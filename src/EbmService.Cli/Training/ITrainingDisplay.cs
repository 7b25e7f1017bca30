using EbmService.Inference.Training;

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
