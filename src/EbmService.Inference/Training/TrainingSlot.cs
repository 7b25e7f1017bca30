using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>One dedicated thread with one intra-op thread, on which one part of every batch is computed.</summary>
internal sealed class TrainingSlot : IDisposable
{
    private readonly BlockingCollection<Action> _work = new(1);
    private readonly Thread _thread;

    public TrainingSlot(int index)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = $"training-slot-{index}" };
        _thread.Start();
    }

    /// <summary>Runs the function on the slot's thread; its exception comes out of the task.</summary>
    public Task<T> Start<T>(Func<T> function)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(function());
            }
            catch (Exception exception)
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }

    private void Run()
    {
        set_num_threads(1);
        foreach (Action action in _work.GetConsumingEnumerable())
            action();
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }
}
