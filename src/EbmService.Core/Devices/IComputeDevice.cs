namespace EbmService.Core.Devices;

/// <summary>The device that computes, as cards and health checks name it.</summary>
/// <param name="Kind"><c>cpu</c> or <c>cuda:N</c>.</param>
/// <param name="Slots">How many blocks it advances at once: one per core on a CPU, one on a GPU.</param>
/// <param name="Runtime">Library and version, for example <c>libtorch 2.10.0</c>.</param>
public sealed record DeviceInfo(string Kind, int Slots, string Runtime);

/// <summary>The one device of this process.</summary>
public interface IComputeDevice
{
    DeviceInfo Info { get; }

    /// <summary>Called once on each slot's own thread before any work: sets its intra-op thread count to one on a CPU.</summary>
    void BindSlotThread();
}
