using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

/// <summary>A line every so many iterations, for redirected output.</summary>
internal sealed class PlainTrainingDisplay(TextWriter output, TrainingRecipe recipe) : ITrainingDisplay
{
    private const int Every = 50;

    public TrainingEnd Run(Func<TrainingEnd> training) => training();

    public void Update(TrainingProgress progress, double chainStepsPerSecond)
    {
        if (progress.Iteration % Every != 0 && progress.Iteration != progress.Iterations)
            return;
        string figures = TrainingLine.Figures(progress, recipe.Classification is not null, chainStepsPerSecond);
        output.WriteLine($"iteration {progress.Iteration}/{progress.Iterations}  {figures}  left {TrainingLine.Time(progress.Remaining)}");
        output.Flush();
    }

    public void Dispose()
    {
    }
}
