using EbmService.Core.Failures;

namespace EbmService.Core.Models;

/// <summary>The models this process hosts. Thread-safe; an unreadable model is listed as unavailable and never stops the others.</summary>
public interface IModelCatalog
{
    /// <summary>Every version of every model, by name, newest version first.</summary>
    IReadOnlyList<HostedModel> List();

    /// <summary>The named version, or the newest ready one when <paramref name="version"/> is null.</summary>
    /// <returns>A ready model, or <see cref="FailureCode.ModelNotFound"/>, <see cref="FailureCode.VersionNotFound"/> or <see cref="FailureCode.ModelUnavailable"/>.</returns>
    Outcome<HostedModel> Find(string name, string? version = null);

    /// <summary>Looks for models again where they come from; a catalog that always looks does nothing.</summary>
    void Refresh()
    {
    }
}
