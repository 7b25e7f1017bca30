using EbmService.Core.Failures;

namespace EbmService.Api.Errors;

/// <summary>How one <see cref="FailureCode"/> looks to an HTTP client.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Title">The same for every problem of the kind.</param>
/// <param name="Remedy">What to do, where the failure itself does not say.</param>
internal sealed record ProblemKind(int Status, string Title, string Remedy);
