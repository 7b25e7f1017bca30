using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using EbmService.Core.Devices;

namespace EbmService.Inference.Tasks;

/// <summary>Spreads work over one dedicated thread per slot of the device, for tools that run without the queue.</summary>
internal static class SlotThreads
{
    /// <summary>Calls <paramref name="work"/> once for each index below <paramref name="count"/>, lowest first; blocks the caller.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; work in progress was finished first.</exception>
    public static void ForEach(IComputeDevice device, int count, Action<int> work, CancellationToken cancellation)
    {
        int next = -1;
        var failures = new ConcurrentQueue<Exception>();
        void Loop()
        {
            device.BindSlotThread();
            while (failures.IsEmpty && !cancellation.IsCancellationRequested)
            {
                int item = Interlocked.Increment(ref next);
                if (item >= count)
                    return;
                try
                {
                    work(item);
                }
                catch (Exception exception)
                {
                    failures.Enqueue(exception);
                }
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, Math.Min(count, device.Info.Slots)).Select(i => new Thread(Loop) { IsBackground = true, Name = $"slot-{i}" })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        if (failures.TryDequeue(out Exception? failure))
            ExceptionDispatchInfo.Throw(failure);
        cancellation.ThrowIfCancellationRequested();
    }
}
