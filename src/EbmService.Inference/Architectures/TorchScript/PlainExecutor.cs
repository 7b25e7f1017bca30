using System.Runtime.InteropServices;
using EbmService.Inference.Models;

namespace EbmService.Inference.Architectures.TorchScript;

/// <summary>
/// libtorch's JIT watches the first calls of a module and then compiles it anew for the shapes that it saw, with operators fused and
/// differentiated in another way: later calls can have other bits than the first ones. Without profiling it runs the operators one by
/// one as they are written, every time.
/// </summary>
internal static class PlainExecutor
{
    private static readonly Lazy<bool> s_chosen = new(SwitchProfilingOff);

    /// <summary>For the whole process, before the first call of a module.</summary>
    /// <exception cref="InvalidModelException">This build of libtorch has no such switch under the known name.</exception>
    public static void Choose()
    {
        if (!s_chosen.Value)
        {
            throw new InvalidModelException(
                "this build of libtorch does not let the JIT's profiling be switched off, so results would change from call to call");
        }
    }

    private static bool SwitchProfilingOff()
    {
        try
        {
            Marshal.WriteByte(GetProfilingMode(), 0);
            return true;
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }

    /// <summary>std::atomic&lt;bool&gt;&amp; torch::jit::getProfilingMode(); TorchSharp has no call for it.</summary>
    [DllImport("torch_cpu", EntryPoint = "_ZN5torch3jit16getProfilingModeEv")]
    private static extern nint GetProfilingMode();
}
