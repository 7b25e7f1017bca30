using EbmService.Core.Failures;

namespace EbmService.Core.Models;

/// <summary>Changes what this process hosts while it runs. Thread-safe; one change after the other.</summary>
public interface IModelLoader
{
    /// <summary>
    /// Reads the model's folder again, puts the newest version (or the named one) into memory, computes once with it, and only then lets it
    /// answer. The versions that were served until then answer meanwhile.
    /// </summary>
    /// <returns>The version that was loaded, or why it can't be served.</returns>
    Outcome<HostedModel> Load(string name, string? version = null);

    /// <summary>
    /// Takes all versions (or the named one) out of service until they are loaded again. What is being answered is answered; jobs that have
    /// begun keep their version until they end, and the memory is given back then.
    /// </summary>
    /// <returns>The newest version that was unloaded, or why there is none.</returns>
    Outcome<HostedModel> Unload(string name, string? version = null);

    /// <summary>
    /// Puts a new version where the models come from, whole or not at all, and loads it. It is checked as every version is; a model that
    /// is there keeps its descriptor.
    /// </summary>
    /// <returns>The loaded version; or field errors, <see cref="FailureCode.VersionExists"/>, or why it can't be stored.</returns>
    Outcome<HostedModel> Add(ModelUpload upload);

    /// <summary>
    /// Looks for models that have changed where they come from, and serves what is whole there. What is still being copied is left for a
    /// later look; a version whose new files fail their checks is served as it was.
    /// </summary>
    void TakeChanges();

    /// <summary>What a version takes of the device's memory now, in bytes; 0 while it is not there.</summary>
    long MemoryOf(HostedModel model);
}
