using System.Globalization;
using System.Runtime.InteropServices;
using EbmService.Core.Devices;

namespace EbmService.Inference.Devices;

/// <summary>
/// Memory of an NVIDIA card, as its driver's management library counts it: of all processes on it. TorchSharp has no call for it, and this one needs
/// no CUDA context on the thread that asks.
/// </summary>
internal static class GpuMemory
{
    private const string Library = "libnvidia-ml.so.1";
    private const string Visible = "CUDA_VISIBLE_DEVICES";
    private const int Success = 0;

    private static readonly Lazy<bool> IsThere = new(Initialize);

    /// <param name="index">As CUDA counts the cards that this process sees.</param>
    /// <returns>Null where there is no such library or it doesn't know the card.</returns>
    public static DeviceMemory? Read(int index)
    {
        if (!IsThere.Value || !TryFind(index, out IntPtr card) || MemoryOf(card, out Memory memory) != Success)
            return null;
        return new DeviceMemory((long)memory.Used, (long)memory.Total);
    }

    private static bool TryFind(int index, out IntPtr card)
    {
        string[] visible = (Environment.GetEnvironmentVariable(Visible) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (visible.Length == 0)
            return CardAt((uint)index, out card) == Success;
        card = IntPtr.Zero;
        if (index >= visible.Length)
            return false;
        return uint.TryParse(visible[index], NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? CardAt(number, out card) == Success
            : CardOf(visible[index], out card) == Success;
    }

    private static bool Initialize()
    {
        try
        {
            return Start() == Success;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    [DllImport(Library, EntryPoint = "nvmlInit_v2")]
    private static extern int Start();

    [DllImport(Library, EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    private static extern int CardAt(uint index, out IntPtr card);

    [DllImport(Library, EntryPoint = "nvmlDeviceGetHandleByUUID", CharSet = CharSet.Ansi, BestFitMapping = false)]
    private static extern int CardOf(string uuid, out IntPtr card);

    [DllImport(Library, EntryPoint = "nvmlDeviceGetMemoryInfo")]
    private static extern int MemoryOf(IntPtr card, out Memory memory);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Memory
    {
        public readonly ulong Total;
        public readonly ulong Free;
        public readonly ulong Used;
    }
}
