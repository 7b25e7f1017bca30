using EbmService.Jobs.Keys;

namespace EbmService.Api.Security;

/// <summary>
/// What a key or a token may do. Each constant is also the name of the authorization policy that asks for it:
/// <c>RequireAuthorization(Scopes.Jobs)</c>. A route without a policy is refused; one that is open to all says <c>AllowAnonymous()</c>.
/// </summary>
internal static class Scopes
{
    /// <value>Short questions; reading models.</value>
    internal const string Infer = ApiKeyScopes.Infer;

    /// <value>Jobs, their results and events, datasets; reading models.</value>
    internal const string Jobs = ApiKeyScopes.Jobs;

    /// <value>Changing what is served: upload, load, unload, compose, train, default calibrations; reading models.</value>
    internal const string ModelsAdmin = ApiKeyScopes.ModelsAdmin;

    /// <value>Reading /metrics.</value>
    internal const string Metrics = ApiKeyScopes.Metrics;

    /// <value>The policy of reading models: any scope that is of no use without.</value>
    internal const string ReadModels = Infer + "|" + Jobs + "|" + ModelsAdmin;

    internal static IReadOnlyList<string> Policies { get; } = [Infer, Jobs, ModelsAdmin, Metrics, ReadModels];

    /// <summary>The scopes of which a policy asks for one.</summary>
    internal static string[] Of(string policy) => policy.Split('|');
}
