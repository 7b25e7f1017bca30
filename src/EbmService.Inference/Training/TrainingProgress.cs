using EbmService.Core.Tensors;

namespace EbmService.Inference.Training;

/// <summary>One iteration's metrics, means over the batch.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="EnergyData">E+ of the data.</param>
/// <param name="EnergySamples">E- of the chains' ends.</param>
/// <param name="CrossEntropy">Nats; 0 for unlabelled data.</param>
/// <param name="Accuracy">On the iteration's own (varied) rows.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Elapsed">Training time so far, over all sessions of this run.</param>
/// <param name="Remaining">Estimated from this session's rate.</param>
public sealed record TrainingProgress(
    int Iteration, int Iterations, double EnergyData, double EnergySamples, double CrossEntropy, double Accuracy,
    double GradientNorm, TimeSpan Elapsed, TimeSpan Remaining);

/// <summary>Receives a run's progress on the training thread.</summary>
public interface ITrainingObserver
{
    void OnIteration(TrainingProgress progress);

    /// <summary>Chains of the replay buffer, ordered by class where there are classes.</summary>
    void OnPicture(int iteration, TensorPayload samples);
}

/// <summary>How a run ended.</summary>
public enum TrainingEnd
{
    Completed,

    /// <summary>Energies passed the bound or stopped being finite; the last good weights were kept.</summary>
    Diverged,

    /// <summary>Stopped on request; the checkpoint resumes it.</summary>
    Cancelled,
}
