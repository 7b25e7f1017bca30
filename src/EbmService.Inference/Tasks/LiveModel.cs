using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Ood;
using static TorchSharp.torch;

namespace EbmService.Inference.Tasks;

/// <summary>A model version on the device: shared read-only by all slots.</summary>
/// <param name="Buffer">Null where the version has none.</param>
/// <param name="Calibration">Null where the version has none.</param>
internal sealed record LiveModel(
    HostedModel Hosted, IEnergyModel Energy, ReplayBuffer? Buffer, OodCalibration? Calibration) : IDisposable
{
    // Made at the first job that asks for it; all slots share it as they share the float32 weights.
    private readonly Lazy<IEnergyModel> _bfloat16 = new(
        () => EnergyModelFactory.Frozen(Hosted.Descriptor!.Architecture.Spec(), Energy.Parameters, ScalarType.BFloat16));

    public ModelDescriptor Descriptor => Hosted.Descriptor!;

    /// <summary>The energy that chains of that precision walk on.</summary>
    public IEnergyModel In(SamplingPrecision precision) => precision == SamplingPrecision.Bfloat16 ? _bfloat16.Value : Energy;

    public void Dispose()
    {
        Energy.Dispose();
        if (_bfloat16.IsValueCreated)
            _bfloat16.Value.Dispose();
        Buffer?.Dispose();
    }
}
