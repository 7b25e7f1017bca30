using System.Runtime.InteropServices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Inference.Devices;

namespace EbmService.Inference.Tests.Devices;

public sealed class NativeFailuresTests
{
    [Theory]
    [InlineData("CUDA error: an illegal memory access was encountered", typeof(DeviceLostException))]
    [InlineData("CUDA error: device-side assert triggered", typeof(DeviceLostException))]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB", typeof(DeviceLostException))]
    [InlineData("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes", typeof(FailureException))]
    [InlineData("The size of tensor a (3) must match the size of tensor b (4)", typeof(ExternalException))]
    public void Translate_NativeMessage_ThrowsItsKind(string message, Type expected)
    {
        Exception thrown = Assert.Throws(expected, () => NativeFailures.Translate<int>(() => throw new ExternalException(message)));

        // The caller never sees native text, the log does.
        Assert.Equal(message, (thrown.InnerException ?? thrown).Message);
    }
}
