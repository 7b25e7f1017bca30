using EbmService.Core.Failures;

namespace EbmService.Core.Models;

/// <summary>Makes models of hosted ones. Thread-safe; one after the other.</summary>
public interface IModelComposer
{
    /// <summary>Copies what the terms name into a version of its own and serves it.</summary>
    /// <returns>The version as it is served; or field errors, <see cref="FailureCode.VersionExists"/>, or why it can't be stored.</returns>
    Outcome<HostedModel> Compose(CompositionRequest request);
}
