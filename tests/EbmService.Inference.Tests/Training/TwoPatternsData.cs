using EbmService.Core.Tensors;
using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Training;

/// <summary>The left half of the numbers on, or the right half: the best possible likelihood is log(1/2) a row.</summary>
internal sealed class TwoPatternsData(int length = 6) : ITrainingData
{
    public int Count => 64;

    public int RowLength => length;

    public bool HasLabels => false;

    public void CopyRow(int index, Span<float> destination)
    {
        destination.Clear();
        destination.Slice(index % 2 * (length / 2), length / 2).Fill(1);
    }

    public int Label(int index) => -1;
}

/// <summary>Stops a run after an iteration.</summary>
internal sealed class StopAt(int iteration, CancellationTokenSource stop) : ITrainingObserver
{
    public void OnIteration(TrainingProgress progress)
    {
        if (progress.Iteration == iteration)
            stop.Cancel();
    }

    public void OnPicture(int iteration, TensorPayload samples)
    {
    }
}
