using System.Globalization;
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
            throw new DeviceUnavailableException($"Device:Kind is '{kind}', but libtorch sees no CUDA device. Use 'auto' or 'cpu', or build with -p:TorchBackend=cuda.");
        if (wantsGpu && int.Parse(kind.AsSpan(5), CultureInfo.InvariantCulture) >= cuda.device_count())
            throw new DeviceUnavailableException($"Device:Kind is '{kind}', but libtorch sees {cuda.device_count()} CUDA devices, counted from 0.");
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

    public void BindSlotThread()
    {
        if (Handle.type == TorchSharp.DeviceType.CPU)
            set_num_threads(1);
    }
}
