using System.Runtime.InteropServices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Devices;

/// <summary>libtorch reports everything as <see cref="ExternalException"/> with a message; this is the one place that reads it.</summary>
internal static class NativeFailures
{
    private static readonly string[] MemoryWords = ["out of memory", "can't allocate memory", "not enough memory"];

    /// <exception cref="DeviceLostException">The GPU failed or is full.</exception>
    /// <exception cref="FailureException">The CPU's memory is full.</exception>
    public static T Translate<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ExternalException exception) when (Known(exception) is { } known)
        {
            throw known;
        }
    }

    /// <inheritdoc cref="Translate{T}"/>
    public static void Translate(Action work) => Translate(() =>
    {
        work();
        return true;
    });

    /// <returns>What to throw instead; null where the failure is no device's.</returns>
    internal static Exception? Known(ExternalException exception)
    {
        bool Says(string words) => exception.Message.Contains(words, StringComparison.OrdinalIgnoreCase);
        bool memory = MemoryWords.Any(Says);
        if (Says("CUDA error") || Says("device-side assert") || (memory && Says("CUDA")))
            return new DeviceLostException("The GPU stopped answering or is out of memory.", exception);
        return memory
            ? new FailureException(new Failure(
                FailureCode.Internal, "The server ran out of memory.", "Ask for fewer inputs at once, or a smaller blockSize."), exception)
            : null;
    }
}
