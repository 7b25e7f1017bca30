namespace EbmService.Api.Security;

/// <summary>
/// What a key or a token may do. Each scope is the name of the authorization policy that asks for it:
/// <c>RequireAuthorization(Scopes.Jobs)</c>. A route without a policy is refused.
/// </summary>
internal static class Scopes
{
    /// <value>Short questions; reading models.</value>
    internal const string Infer = "infer";

    /// <value>Jobs, their results and events, datasets; reading models.</value>
    internal const string Jobs = "jobs";

    /// <value>Changing what is served: upload, load, unload, compose.</value>
    internal const string ModelsAdmin = "models:admin";

    /// <value>Reading /metrics.</value>
    internal const string Metrics = "metrics";

    internal static IReadOnlyList<string> All { get; } = [Infer, Jobs, ModelsAdmin, Metrics];
}
