using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Runtime.InteropServices;
using EbmService.Core.Devices;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace EbmService.Inference.Devices;

/// <summary>The device of this process, as libtorch knows it.</summary>
public sealed class TorchDevice : IComputeDevice
{
    /// <exception cref="DeviceUnavailableException">The configured GPU is not there.</exception>
    public TorchDevice(IOptions<DeviceOptions> options)
    {
        string kind = options.Value.Kind;
        bool wantsGpu = kind.StartsWith("cuda", StringComparison.Ordinal);
        // Asking a CPU build for CUDA is safe: it answers false.
        bool hasGpu = kind != "cpu" && cuda.is_available();
        if (wantsGpu && !hasGpu)
            throw new DeviceUnavailableException(
                $"Device:Kind is '{kind}', but libtorch sees no CUDA device. Use 'auto' or 'cpu', or build with -p:TorchBackend=cuda.");
        if (wantsGpu && int.Parse(kind.AsSpan(5), CultureInfo.InvariantCulture) >= cuda.device_count())
            throw new DeviceUnavailableException(
                $"Device:Kind is '{kind}', but libtorch sees {cuda.device_count()} CUDA devices, counted from 0.");
        Handle = device(wantsGpu ? kind : hasGpu ? "cuda:0" : "cpu");
        bool gpu = Handle.type == TorchSharp.DeviceType.CUDA;
        if (gpu)
            PreferExactness();
        else
            HostMemory.KeepFreed();
        Info = new DeviceInfo(
            gpu ? $"cuda:{Handle.index}" : "cpu", gpu ? 1 : Environment.ProcessorCount, $"libtorch {__version__}");
    }

    public DeviceInfo Info { get; }

    internal Device Handle { get; }

    /// <summary>Full float32. TorchSharp offers no switch for deterministic kernels, so equal bits are promised on a CPU only.</summary>
    private static void PreferExactness()
    {
        backends.cuda.matmul.allow_tf32 = false;
        backends.cudnn.allow_tf32 = false;
    }

    public DeviceMemory? ReadMemory() => Handle.type == TorchSharp.DeviceType.CPU
        ? new DeviceMemory(Environment.WorkingSet, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
        : GpuMemory.Read(Handle.index);

    public void BindSlotThread()
    {
        if (Handle.type == TorchSharp.DeviceType.CPU)
            set_num_threads(1);
    }
}

/// <summary>Configuration section <c>Device</c>.</summary>
public sealed class DeviceOptions
{
    public const string Section = "Device";

    /// <value>auto (a GPU where there is one, else the CPU), cpu, or cuda:N. Default auto.</value>
    [RegularExpression("^(auto|cpu|cuda:[0-9]{1,2})$", ErrorMessage = "Device:Kind must be auto, cpu or cuda:N.")]
    public string Kind { get; set; } = "auto";
}

/// <summary>The configured device is not there; the message says what to change.</summary>
public sealed class DeviceUnavailableException(string message) : InvalidOperationException(message);

/// <summary>
/// glibc gives freed memory back to the system at every opportunity, and a step frees all its maps: the next one then takes
/// thousands of page faults for them, up to a fifth of its time. So freed memory is kept for the next step, up to a bound.
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
