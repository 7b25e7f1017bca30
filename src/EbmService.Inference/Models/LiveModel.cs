using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Ood;
using EbmService.Inference.Queries;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>A model version on the device: shared read-only by all slots.</summary>
/// <param name="Device">Where its tensors are, and its inputs have to be.</param>
/// <param name="Buffer">Null where the version has none.</param>
/// <param name="Calibration">Null where the version has none.</param>
/// <param name="Module">The file that the network was loaded from; null where it was made of weights.</param>
internal sealed record LiveModel(
    HostedModel Hosted, IEnergyModel Energy, Device Device, ReplayBuffer? Buffer, OodCalibration? Calibration, byte[]? Module = null)
    : IDisposable
{
    private readonly Lock _making = new();
    private IEnergyModel? _bfloat16;
    private readonly Lazy<long> _float32Bytes = new(() => BytesOf(Energy) + (Buffer is null ? 0 : BytesOf(Buffer.States)));
    private long _bfloat16Bytes;

    public ModelDescriptor Descriptor => Hosted.Descriptor!;

    /// <value>How many rows of a query it takes at once.</value>
    public WideTiles Tiles { get; } = new(Energy, Hosted.Descriptor!.Input, Device);

    /// <value>Bytes of its tensors on the device.</value>
    public long MemoryBytes => _float32Bytes.Value + Interlocked.Read(ref _bfloat16Bytes);

    /// <summary>The energy that chains of that precision walk on.</summary>
    public IEnergyModel In(SamplingPrecision precision) => precision == SamplingPrecision.Bfloat16 ? Bfloat16() : Energy;

    /// <summary>Made at the first job that asks for it, and asked for again where that failed; all slots share it as they share the float32 weights.</summary>
    private IEnergyModel Bfloat16()
    {
        lock (_making)
        {
            if (_bfloat16 is not null)
                return _bfloat16;
            _bfloat16 = MakeBfloat16();
            Interlocked.Exchange(ref _bfloat16Bytes, BytesOf(_bfloat16));
            return _bfloat16;
        }
    }

    private IEnergyModel MakeBfloat16()
    {
        ArchitectureSpec spec = Descriptor.Architecture.Spec();
        return Module is { } module
            ? EnergyModelFactory.Load(spec, Descriptor.Input, module, ScalarType.BFloat16, Device)
            : EnergyModelFactory.Frozen(spec, Energy.Parameters, ScalarType.BFloat16);
    }

    private static long BytesOf(IEnergyModel energy) => energy.Parameters.Values.Sum(BytesOf);

    private static long BytesOf(Tensor tensor) => tensor.numel() * tensor.element_size();

    public void Dispose()
    {
        Energy.Dispose();
        _bfloat16?.Dispose();
        Buffer?.Dispose();
    }
}
