using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>
/// What one tenant sees of the datasets: its own, under their names. Among all of them a tenant's are called <c>{tenant}/{name}</c>, the
/// default tenant's by their names alone.
/// </summary>
internal sealed class TenantDatasets(IDatasetService all, string tenant) : IDatasetService
{
    private const char Separator = '/';

    internal static string NameOf(string full) => full[(full.LastIndexOf(Separator) + 1)..];

    internal static string TenantOf(string full) =>
        full.IndexOf(Separator) is >= 0 and var end ? full[..end] : JobSnapshot.DefaultTenant;

    internal static string FullName(string tenant, string name) => tenant == JobSnapshot.DefaultTenant ? name : tenant + Separator + name;

    public IReadOnlyList<Dataset> List() => [.. all.List().Where(dataset => TenantOf(dataset.Name) == tenant).Select(ToOwn)];

    public Outcome<Dataset> Find(string name)
    {
        if (name.Contains(Separator))
            return new Failure(FailureCode.DatasetNotFound, "There is no dataset of that name.");
        Outcome<Dataset> found = all.Find(Full(name));
        return found.Succeeded ? ToOwn(found.Value) : found;
    }

    public Stream Open(string sha256) => all.Open(sha256);

    public FileStream Stage() => all.Stage();

    public Outcome<(Dataset Dataset, bool IsNew)> Add(string name, Stream rows, Stream? labels, long? room = null)
    {
        // A name of its own that says another tenant's is not valid.
        Outcome<(Dataset Dataset, bool IsNew)> added = all.Add(name.Contains(Separator) ? "" : Full(name), rows, labels, room);
        return added.Succeeded ? (ToOwn(added.Value.Dataset), added.Value.IsNew) : added;
    }

    public Failure? Delete(string name) => Find(name) is { Succeeded: false } missing ? missing.Failure : all.Delete(Full(name));

    public byte[]? Draw(Dataset dataset) => all.Draw(dataset);

    private string Full(string name) => FullName(tenant, name);

    private static Dataset ToOwn(Dataset dataset) => dataset with { Name = NameOf(dataset.Name) };
}

public static class DatasetVisibility
{
    /// <summary>What a tenant sees, and where its uploads go.</summary>
    public static IDatasetService OfTenant(this IDatasetService all, string tenant) => new TenantDatasets(all, tenant);
}
