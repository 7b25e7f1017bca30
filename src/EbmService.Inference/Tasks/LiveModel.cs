using EbmService.Core.Models;
using EbmService.Inference.Buffers;
using EbmService.Inference.Energies;
using EbmService.Inference.Scores;

namespace EbmService.Inference.Tasks;

/// <summary>A model version on the device: shared read-only by all slots.</summary>
/// <param name="Buffer">Null where the version has none.</param>
/// <param name="Calibration">Null where the version has none.</param>
internal sealed record LiveModel(
    HostedModel Hosted, IEnergyModel Energy, ReplayBuffer? Buffer, OodCalibration? Calibration) : IDisposable
{
    public ModelDescriptor Descriptor => Hosted.Descriptor!;

    public void Dispose()
    {
        Energy.Dispose();
        Buffer?.Dispose();
    }
}
