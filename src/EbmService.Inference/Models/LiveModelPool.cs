using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Buffers;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>
/// Puts model versions on the device once, at their first use. One that the repository has replaced, unloaded or lost leaves the device
/// when nobody uses it any more. Over the memory cap those that nobody uses leave as well, the least recently used first, and come back
/// at their next use; what is in use, and what was used last, stays even over the cap. Thread-safe.
/// </summary>
internal sealed class LiveModelPool(ModelRepository repository, TorchDevice device, IOptions<ModelsOptions> options) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _live = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<ModelLease>> _keptForJobs = new(StringComparer.Ordinal);
    private readonly long _cap = options.Value.MaxMemoryMegabytes is > 0 and var megabytes ? (long)megabytes << 20 : long.MaxValue;
    private long _uses;

    /// <summary>Whether the version is on the device, or can come there without being over the memory cap.</summary>
    public bool HasRoom(HostedModel hosted)
    {
        lock (_lock)
        {
            return _live.ContainsKey(IdOf(hosted.Key, hosted.Digest))
                || _live.Values.Sum(entry => entry.Bytes) + Entry.BytesBefore(hosted) <= _cap;
        }
    }

    /// <summary>The version that is hosted now, kept on the device until the lease is disposed.</summary>
    /// <exception cref="FailureException">No such model, or it is unavailable.</exception>
    public ModelLease Lease(ModelKey key) => Lease(repository.Find(key.Name, key.Version).OrThrow());

    /// <summary>The version of that very digest: hosted, or used by somebody still.</summary>
    /// <exception cref="FailureException">No such model, or it is unavailable.</exception>
    public ModelLease Lease(ModelReference model) => Lease(Find(model).OrThrow());

    /// <summary>A version of the repository, also one that is not hosted yet.</summary>
    /// <exception cref="FailureException">Its files are not what they were when it was found.</exception>
    public ModelLease Lease(HostedModel hosted)
    {
        Entry entry;
        List<Entry> gone;
        lock (_lock)
        {
            string id = IdOf(hosted.Key, hosted.Digest);
            bool isNew = !_live.TryGetValue(id, out entry!);
            if (isNew)
                _live[id] = entry = new Entry(hosted, new Lazy<LiveModel>(() => Build(repository.Load(hosted).OrThrow())));
            entry.Leases++;
            entry.LastUse = ++_uses;
            gone = isNew ? TakeUnneeded() : [];
        }
        Dispose(gone);
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

    /// <summary>Where that very digest is: in use, or hosted by the repository.</summary>
    public Outcome<HostedModel> Find(ModelReference model)
    {
        lock (_lock)
        {
            if (_live.TryGetValue(IdOf(model.Key(), model.Digest), out Entry? entry) && entry is { Leases: > 0, Model.IsValueCreated: true })
                return entry.Hosted;
        }
        Outcome<HostedModel> found = repository.Find(model.Name, model.Version);
        return !found.Succeeded || found.Value.Digest == model.Digest
            ? found
            : new Failure(
                FailureCode.ModelUnavailable, "The model version was replaced after the job was accepted.", "Submit the job again.");
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

    /// <summary>A job that has begun keeps its versions, between its blocks too, until <see cref="Release"/>.</summary>
    public void Keep(string jobId, IEnumerable<ModelReference> models)
    {
        lock (_lock)
        {
            if (_keptForJobs.ContainsKey(jobId))
                return;
        }
        List<ModelLease> leases = [.. models.Select(Lease)];
        lock (_lock)
        {
            if (_keptForJobs.TryAdd(jobId, leases))
                return;
        }
        leases.ForEach(lease => lease.Dispose());
    }

    /// <summary>The job has ended; of one that keeps nothing nothing happens.</summary>
    public void Release(string jobId)
    {
        List<ModelLease>? leases;
        lock (_lock)
            _keptForJobs.Remove(jobId, out leases);
        leases?.ForEach(lease => lease.Dispose());
    }

    /// <summary>Bytes that the version takes on the device; 0 where it is not there.</summary>
    public long MemoryOf(ModelReference model)
    {
        lock (_lock)
        {
            return _live.TryGetValue(IdOf(model.Key(), model.Digest), out Entry? entry) && entry.Model.IsValueCreated
                ? entry.Model.Value.MemoryBytes : 0;
        }
    }

    /// <summary>After the repository has changed: what it does not host any more and nobody uses leaves.</summary>
    public void Sweep()
    {
        List<Entry> gone;
        lock (_lock)
            gone = TakeUnneeded();
        Dispose(gone);
    }

    private void Return(Entry entry)
    {
        lock (_lock)
            entry.Leases--;
        Sweep();
    }

    /// <summary>Takes out what is not hosted any more, and over the cap what was used longest ago, but never what is in use.</summary>
    private List<Entry> TakeUnneeded()
    {
        List<Entry> gone = [.. _live.Values.Where(entry => entry.Leases == 0 && !IsWanted(entry))];
        gone.ForEach(Remove);
        for (long over = _live.Values.Sum(entry => entry.Bytes) - _cap; over > 0;)
        {
            // The one used last stays: of a model larger than the cap every query would bring it back.
            if (_live.Values.Where(entry => entry.Leases == 0 && entry.LastUse < _uses).MinBy(entry => entry.LastUse) is not { } oldest)
                break;
            over -= oldest.Bytes;
            Remove(oldest);
            gone.Add(oldest);
        }
        return gone;
    }

    private void Remove(Entry entry) => _live.Remove(IdOf(entry.Hosted.Key, entry.Hosted.Digest));

    private static void Dispose(List<Entry> gone)
    {
        foreach (Entry entry in gone.Where(entry => entry.Model.IsValueCreated))
            entry.Model.Value.Dispose();
    }

    /// <summary>
    /// Whether it is hosted still; one that could not be built is built anew at its next use, for a Lazy keeps its exception.
    /// </summary>
    private bool IsWanted(Entry entry) => entry.Model.IsValueCreated
        && repository.Find(entry.Hosted.Key.Name, entry.Hosted.Key.Version) is { Succeeded: true } found && found.Value.Digest == entry.Hosted.Digest;

    private static string IdOf(ModelKey key, string digest) => $"{key} {digest}";

    private LiveModel Build(LoadedModel loaded)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ModelDescriptor descriptor = loaded.Hosted.Descriptor!;
        ReplayBuffer? buffer = loaded.Buffer is { } states
            ? new ReplayBuffer(states.ToTensor().to(device.Handle), descriptor.Labels.Count, descriptor.Input)
            : null;
        OodCalibration? calibration = loaded.Calibration.ToCalibration(loaded.Hosted.CalibrationId ?? "");
        return new LiveModel(loaded.Hosted, loaded.CreateEnergy(device.Handle), device.Handle, buffer, calibration, loaded.Module);
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

    private sealed class Entry(HostedModel hosted, Lazy<LiveModel> model)
    {
        public HostedModel Hosted => hosted;

        public Lazy<LiveModel> Model => model;

        public int Leases { get; set; }

        /// <value>Counts leases of the whole pool.</value>
        public long LastUse { get; set; }

        /// <value>On the device.</value>
        public long Bytes => model.IsValueCreated ? model.Value.MemoryBytes : BytesBefore(hosted);

        /// <summary>Before it is on the device: what its weights and buffer will take.</summary>
        public static long BytesBefore(HostedModel hosted) =>
            sizeof(float) * (hosted.ParameterCount + hosted.BufferSize * (long)hosted.Descriptor!.Input.Length());
    }
}

/// <summary>Keeps a model version on the device while somebody computes with it.</summary>
internal sealed class ModelLease(LiveModel model, Action giveBack) : IDisposable
{
    private Action? _giveBack = giveBack;

    public LiveModel Model => model;

    public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
}
