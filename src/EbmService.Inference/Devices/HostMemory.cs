using System.Runtime.InteropServices;

namespace EbmService.Inference.Devices;

/// <summary>
/// glibc gives freed memory back to the system at every opportunity, and a step frees all its maps: the next one then takes thousands of page
/// faults for them, up to a fifth of its time. So freed memory is kept for the next step, up to a bound.
/// </summary>
internal static class HostMemory
{
    private const int TrimThreshold = -1;
    private const int MapThreshold = -3;
    private const int KeptBytes = 512 << 20;

    /// <summary>glibc takes no more for it.</summary>
    private const int LargestHeapBlock = 32 << 20;

    /// <summary>For the whole process; asking again changes nothing.</summary>
    /// <returns>False where the system's allocator has no such setting, which costs speed only.</returns>
    public static bool KeepFreed()
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            return SetOption(TrimThreshold, KeptBytes) == 1 & SetOption(MapThreshold, LargestHeapBlock) == 1;
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or DllNotFoundException)
        {
            // musl.
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "mallopt")]
    private static extern int SetOption(int option, int value);
}
