using EbmService.Core.Failures;

namespace EbmService.Jobs.Lifecycle;

/// <summary>How a job waits for a model that is away: its blocks keep their state and hold no slot.</summary>
internal sealed partial class Job
{
    private bool _awaitsModel;
    private long? _modelMissingSince;

    /// <summary>A block's model is away: the block waits for it, and the job fails when that takes too long.</summary>
    /// <param name="missing">What is missing, in words for the client.</param>
    /// <param name="patience">How long the job waits in all.</param>
    /// <returns><see cref="JobChange.Already"/> while it waits, <see cref="JobChange.Made"/> when it has failed;
    /// <see cref="JobChange.Refused"/> where the block is lost: of a job that is being closed, one that has no checkpoint or has
    /// waited for so long.</returns>
    public JobChange AwaitModel(IBlock which, Failure missing, TimeSpan patience)
    {
        var block = (Block)which;
        JobChange change = JobChange.Already;
        lock (_lock)
        {
            if (IsOver)
                return JobChange.Refused;
            _modelMissingSince ??= _clock.GetTimestamp();
            bool isTooLong = _clock.GetElapsedTime(_modelMissingSince.Value) >= patience;
            if (StopsNow && (isTooLong || !block.HasCheckpoint))
                return JobChange.Refused;
            Leave(block, BlockState.Dropped);
            if (isTooLong)
            {
                FailLocked(missing);
                change = JobChange.Made;
            }
            else
            {
                Requeue(block);
                _awaitsModel = true;
                TryCompletePause();
            }
        }
        _duties.Changed(this);
        return change;
    }

    /// <summary>The model may be back: blocks are offered again.</summary>
    public void RetryModel()
    {
        lock (_lock)
            _awaitsModel = false;
        _duties.Changed(this);
    }
}
