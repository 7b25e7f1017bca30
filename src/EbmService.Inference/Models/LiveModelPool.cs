using System.Collections.Concurrent;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>Puts model versions on the device once, at their first use. Thread-safe.</summary>
internal sealed class LiveModelPool(ModelRepository repository, TorchDevice device) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<LiveModel>> _live = new();

    /// <exception cref="FailureException">No such model, or it is unavailable.</exception>
    public LiveModel Get(ModelKey key)
    {
        LoadedModel loaded = repository.Load(key).OrThrow();
        string id = $"{key} {loaded.Hosted.Digest}";
        Lazy<LiveModel> live = _live.GetOrAdd(id, _ => new Lazy<LiveModel>(() => Build(loaded)));
        try
        {
            return live.Value;
        }
        catch
        {
            // A Lazy keeps its exception; the next use shall try again.
            _live.TryRemove(KeyValuePair.Create(id, live));
            throw;
        }
    }

    private LiveModel Build(LoadedModel loaded)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ModelDescriptor descriptor = loaded.Hosted.Descriptor!;
        Dictionary<string, Tensor> parameters = loaded.Weights.ToDictionary(
            pair => pair.Key, pair => pair.Value.ToTensor().to(device.Handle).DetachFromDisposeScope());
        ReplayBuffer? buffer = loaded.Buffer is { } states
            ? new ReplayBuffer(states.ToTensor().to(device.Handle), descriptor.Labels.Count, descriptor.Input)
            : null;
        OodCalibration? calibration = loaded.Calibration.Count > 0
            ? new OodCalibration(loaded.Hosted.CalibrationId!, loaded.Calibration, loaded.TypicalityMean)
            : null;
        return new LiveModel(loaded.Hosted, EnergyModelFactory.Create(descriptor.Architecture.Spec(), parameters, device.Handle), buffer, calibration);
    }

    public void Dispose()
    {
        foreach (Lazy<LiveModel> model in _live.Values.Where(model => model.IsValueCreated))
            model.Value.Dispose();
        _live.Clear();
    }
}
