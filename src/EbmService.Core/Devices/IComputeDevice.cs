namespace EbmService.Core.Devices;

/// <summary>The device that computes, as cards and health checks name it.</summary>
/// <param name="Kind"><c>cpu</c> or <c>cuda:N</c>.</param>
/// <param name="Slots">How many blocks it advances at once: one per core on a CPU, one on a GPU.</param>
/// <param name="Runtime">Library and version, for example <c>libtorch 2.10.0</c>.</param>
public sealed record DeviceInfo(string Kind, int Slots, string Runtime);

/// <summary>Memory of the device.</summary>
/// <param name="Used">Bytes: of a CPU what the process holds, of a GPU what is taken of the card.</param>
/// <param name="Total">Bytes that there are, for the process or on the card.</param>
public sealed record DeviceMemory(long Used, long Total);

/// <summary>The one device of this process.</summary>
public interface IComputeDevice
{
    DeviceInfo Info { get; }

    /// <summary>Called once on each slot's own thread before any work: sets its intra-op thread count to one on a CPU.</summary>
    void BindSlotThread();

    /// <summary>Its memory now; null where that can't be told. From any thread, within milliseconds.</summary>
    DeviceMemory? ReadMemory() => null;
}
