using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Buffers;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>
/// Puts model versions on the device once, at their first use. One that the repository has replaced or lost leaves the device when nobody
/// uses it any more. Thread-safe.
/// </summary>
internal sealed class LiveModelPool(ModelRepository repository, TorchDevice device) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _live = new(StringComparer.Ordinal);

    /// <summary>The version that is hosted now, kept on the device until the lease is disposed.</summary>
    /// <exception cref="FailureException">No such model, or it is unavailable.</exception>
    public ModelLease Lease(ModelKey key)
    {
        LoadedModel loaded = repository.Load(key).OrThrow();
        Entry entry;
        lock (_lock)
        {
            string id = IdOf(key, loaded.Hosted.Digest);
            if (!_live.TryGetValue(id, out entry!))
                _live[id] = entry = new Entry(key, loaded.Hosted.Digest, new Lazy<LiveModel>(() => Build(loaded)));
            entry.Leases++;
        }
        try
        {
            return new ModelLease(entry.Model.Value, () => Return(entry));
        }
        catch
        {
            Return(entry);
            throw;
        }
    }

    /// <summary>The very version, for who holds a lease of it.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds one.</exception>
    public LiveModel Get(ModelReference model)
    {
        lock (_lock)
        {
            return _live.TryGetValue(IdOf(model.Key(), model.Digest), out Entry? entry) && entry.Leases > 0
                ? entry.Model.Value : throw new InvalidOperationException($"nobody holds a lease of {model.Name}/{model.Version}");
        }
    }

    private void Return(Entry entry)
    {
        List<Entry> gone;
        lock (_lock)
        {
            entry.Leases--;
            gone = [.. _live.Values.Where(other => other.Leases == 0 && !IsWanted(other))];
            foreach (Entry other in gone)
                _live.Remove(IdOf(other.Key, other.Digest));
        }
        foreach (Entry other in gone.Where(other => other.Model.IsValueCreated))
            other.Model.Value.Dispose();
    }

    /// <summary>
    /// Whether it is hosted still; one that could not be built is built anew at its next use, for a Lazy keeps its exception.
    /// </summary>
    private bool IsWanted(Entry entry) => entry.Model.IsValueCreated
        && repository.Find(entry.Key.Name, entry.Key.Version) is { Succeeded: true } found && found.Value.Digest == entry.Digest;

    private static string IdOf(ModelKey key, string digest) => $"{key} {digest}";

    private LiveModel Build(LoadedModel loaded)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ModelDescriptor descriptor = loaded.Hosted.Descriptor!;
        ReplayBuffer? buffer = loaded.Buffer is { } states
            ? new ReplayBuffer(states.ToTensor().to(device.Handle), descriptor.Labels.Count, descriptor.Input)
            : null;
        OodCalibration? calibration = loaded.Calibration.Count > 0
            ? new OodCalibration(loaded.Hosted.CalibrationId!, loaded.Calibration, loaded.TypicalityMean)
            : null;
        return new LiveModel(loaded.Hosted, loaded.CreateEnergy(device.Handle), buffer, calibration, loaded.Module);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (Entry entry in _live.Values.Where(entry => entry.Model.IsValueCreated))
                entry.Model.Value.Dispose();
            _live.Clear();
        }
    }

    private sealed record Entry(ModelKey Key, string Digest, Lazy<LiveModel> Model)
    {
        public int Leases { get; set; }
    }
}

/// <summary>Keeps a model version on the device while somebody computes with it.</summary>
internal sealed class ModelLease(LiveModel model, Action giveBack) : IDisposable
{
    private Action? _giveBack = giveBack;

    public LiveModel Model => model;

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
