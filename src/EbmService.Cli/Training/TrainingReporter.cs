using EbmService.Core.Files;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Imaging;
using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

/// <summary>Takes a run's progress to the display, the log and the pictures.</summary>
internal sealed class TrainingReporter(TrainingPlan plan, string folder, ITrainingDisplay display) : ITrainingObserver
{
    private readonly SkiaImageCodec _images = new();
    private readonly TrainingLog _log = new(Path.Combine(folder, "training-log.csv"));
    private TrainingProgress? _first;

    public int LastIteration { get; private set; }

    /// <summary>Takes up the log of an earlier session up to the iteration that the run goes on from.</summary>
    public void Start(int iteration)
    {
        LastIteration = iteration;
        _log.Open(iteration);
    }

    public void OnIteration(TrainingProgress progress)
    {
        _first ??= progress;
        LastIteration = progress.Iteration;
        _log.Append(progress);
        display.Update(progress, Rate(progress));
    }

    public void OnPicture(int iteration, TensorPayload samples)
    {
        int? columns = plan.Model.Labels.Count > 0 ? plan.Model.Labels.Count : null;
        byte[] png = _images.EncodeGrid(samples, plan.Model.VisibleSchema(), columns);
        if (png.Length > 0)
            DurableFiles.Replace(Path.Combine(folder, $"samples-{iteration:D6}.png"), png);
        Draw();
    }

    public void Finish()
    {
        Draw();
        _log.Dispose();
    }

    private void Draw()
    {
        _log.Flush();
        DurableFiles.Replace(Path.Combine(folder, "training-curve.png"), TrainingCurve.Energies(plan.Model.Name, _log.Rows));
        if (plan.Recipe.Classification is not null)
            DurableFiles.Replace(Path.Combine(folder, "training-accuracy.png"), TrainingCurve.Classification(plan.Model.Name, _log.Rows));
    }

    /// <summary>Chain-steps per second since this session's first iteration.</summary>
    private double Rate(TrainingProgress progress)
    {
        double seconds = (progress.Elapsed - _first!.Elapsed).TotalSeconds;
        long steps = (long)(progress.Iteration - _first.Iteration) * plan.Recipe.BatchSize * plan.Recipe.ChainSteps;
        return seconds > 0 ? steps / seconds : 0;
    }
}
