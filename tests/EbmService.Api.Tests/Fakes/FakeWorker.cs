using EbmService.Core.Devices;
using EbmService.Jobs.Admission;

namespace EbmService.Api.Tests.Fakes;

internal sealed class FakeWorkerMonitor : IWorkerMonitor
{
    public bool IsReady { get; set; } = true;

    public int QueuedJobs => 0;

    public int RunningJobs => 0;

    public int QueueCapacity => 100;
}

internal sealed class FakeDevice : IComputeDevice
{
    public DeviceInfo Info { get; } = new("cpu", 1, "fake");

    public void BindSlotThread()
    {
    }
}
