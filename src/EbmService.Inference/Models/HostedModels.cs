using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Inference.Devices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Models;

/// <summary>
/// What this process hosts: the versions that the repository found, those of them that are on the device, and those that jobs keep.
/// Reading takes no lock; changes come one after the other, so that what was read earlier never replaces what was read later.
/// </summary>
internal sealed class HostedModels(
    ModelRepository repository, Lazy<LiveModelPool> pool, Lazy<TorchDevice> device, IOptions<ModelsOptions> options,
    ILogger<HostedModels> logger)
    : IModelCatalog, IModelLoader, IModelWarmUp
{
    private readonly Lock _changing = new();

    public IReadOnlyList<HostedModel> List() => repository.List();

    public Outcome<HostedModel> Find(string name, string? version = null) => repository.Find(name, version);

    public Outcome<HostedModel> Find(ModelReference model) => pool.Value.Find(model);

    public long MemoryOf(HostedModel model) => pool.Value.MemoryOf(model.Reference());

    public void Release(string jobId) => pool.Value.Release(jobId);

    public void Refresh()
    {
        lock (_changing)
            repository.Reload();
        pool.Value.Sweep();
    }

    public Outcome<HostedModel> Add(ModelUpload upload)
    {
        lock (_changing)
        {
            if (repository.Add(upload) is { } refusal)
                return refusal;
            return Load(upload.Key.Name, upload.Key.Version);
        }
    }

    public void TakeChanges()
    {
        lock (_changing)
        {
            foreach (string name in repository.TakeChanges())
            {
                IReadOnlyList<HostedModel> served = repository.List();
                // Files that fail their checks never take the place of a version that is served.
                HostedModel[] whole = [.. repository.Read(name)
                    .Select(read => read.State == ModelState.Ready ? read : served.FirstOrDefault(model => IsWhole(model, read.Key)) ?? read)
                    .Select(repository.Marked)];
                (IReadOnlyList<HostedModel> versions, ModelLease? lease) = WarmUp(whole, version: null);
                using (lease)
                    repository.Host(name, versions);
                ModelLog.Changed(logger, name, versions.Count);
            }
        }
        pool.Value.Sweep();
    }

    public Outcome<HostedModel> Load(string name, string? version = null)
    {
        lock (_changing)
        {
            IReadOnlyList<HostedModel> read = repository.Read(name);
            (IReadOnlyList<HostedModel> versions, ModelLease? lease) = WarmUp(read, version);
            using (lease)
            {
                repository.Allow(name, version, versions);
                repository.Host(name, versions);
            }
        }
        return repository.Find(name, version);
    }

    public Outcome<HostedModel> Unload(string name, string? version = null)
    {
        HostedModel[] served = [.. repository.List()
            .Where(model => model.Key.Name == name && model.State != ModelState.Unavailable)
            .Where(model => version is null || model.Key.Version == version)];
        if (served.Length == 0)
            return repository.Find(name, version);
        lock (_changing)
            repository.Unload(name, version);
        pool.Value.Sweep();
        ModelLog.Unloaded(logger, version is null ? name : served[0].Key.ToString());
        return served[0] with { State = ModelState.Unloaded };
    }

    public void WarmUp(Func<bool> isStopping)
    {
        if (!options.Value.WarmUp)
            return;
        foreach (string name in repository.List().Select(model => model.Key.Name).Distinct())
        {
            while (!isStopping() && repository.Find(name) is { Succeeded: true, Value: var newest } && pool.Value.HasRoom(newest))
            {
                if (TryWarmUp(newest))
                    break;
            }
        }
    }

    /// <returns>False where it can't compute; it is unavailable then, and another version is the newest.</returns>
    private bool TryWarmUp(HostedModel hosted)
    {
        try
        {
            WarmUp(hosted).Dispose();
            return true;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            lock (_changing)
            {
                // Another slot may have met the same, or the version may be another one by now.
                if (repository.Find(hosted.Key.Name, hosted.Key.Version) is { Succeeded: true } found && found.Value.Digest == hosted.Digest)
                {
                    repository.Host(hosted.Key.Name, [.. repository.List().Where(model => model.Key.Name == hosted.Key.Name)
                        .Select(model => model.Key == hosted.Key ? Unavailable(hosted.Key, e) : model)]);
                }
            }
            return false;
        }
    }

    private static bool IsWhole(HostedModel model, ModelKey key) => model.Key == key && model.State != ModelState.Unavailable;

    /// <summary>
    /// Computes once with the newest ready version, or the named one; one that can't compute becomes unavailable, and the next is tried in
    /// its place.
    /// </summary>
    /// <returns>The versions as they are then, and the lease that keeps the warm one until it is hosted.</returns>
    private (IReadOnlyList<HostedModel> Versions, ModelLease? Lease) WarmUp(IReadOnlyList<HostedModel> read, string? version)
    {
        HostedModel[] versions = [.. read];
        for (int i = 0; i < versions.Length; i++)
        {
            if (versions[i].State != ModelState.Ready || (version ?? versions[i].Key.Version) != versions[i].Key.Version)
                continue;
            try
            {
                return (versions, WarmUp(versions[i]));
            }
            catch (Exception e)
            {
                versions[i] = Unavailable(versions[i].Key, e);
            }
        }
        return (versions, null);
    }

    private HostedModel Unavailable(ModelKey key, Exception exception)
    {
        string reason = exception is FailureException or DeviceLostException
            ? exception.Message.TrimEnd('.') : "it can't be put on the device; the log has the details";
        ModelLog.Unavailable(logger, key, reason, exception);
        return new HostedModel { Key = key, State = ModelState.Unavailable, Reason = reason };
    }

    private ModelLease WarmUp(HostedModel hosted) => NativeFailures.Translate(() =>
    {
        // One thread computes, as on the slots; a pool thread has no settings of its own yet.
        device.Value.BindSlotThread();
        ModelLease lease = pool.Value.Lease(hosted);
        try
        {
            using IDisposable noGradient = no_grad();
            using DisposeScope scope = NewDisposeScope();
            long[] shape = [ModelQuery.TileRows, .. hosted.Descriptor!.Input.Shape.Select(size => (long)size)];
            Tensor x = zeros(shape).to(device.Value.Handle);
            lease.Model.Energy.Energy(x);
            using (enable_grad())
                lease.Model.Energy.EnergyAndGradient(x);
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    });
}
