using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>Section <c>Security</c>.</summary>
public sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <value>
    /// Whether the service may listen beyond this machine although nobody has to authenticate; false by default. Set it
    /// only where something else keeps strangers out, for example inside a container whose port is published on loopback.
    /// </value>
    public bool AllowUnauthenticatedNetwork { get; set; }

    /// <value>Whether requests need a key even before the first one was made; false by default: the first key closes the service.</value>
    public bool RequireKey { get; set; }

    /// <value>Seconds after which a new or revoked key counts, 0.05 to 60; 1 by default.</value>
    public double KeyRefreshSeconds { get; set; } = 1;

    /// <value>Origins of pages on other hosts that may use the service, for example <c>https://app.example.org</c>; none by default.</value>
    public IReadOnlyList<string> AllowedOrigins { get; set; } = [];

    /// <value>Tokens of an identity provider; none are taken by default.</value>
    public JwtOptions Jwt { get; set; } = new();
}

/// <summary>Section <c>Security:Jwt</c>: which tokens are taken beside the service's own keys.</summary>
public sealed class JwtOptions
{
    private const string Ecdsa = "ES256", Rsa = "RS256";

    /// <value>Where the issuer publishes its keys: {Authority}/.well-known/openid-configuration.</value>
    public string? Authority { get; set; }

    /// <value>A file with the issuer's public keys (JSON Web Key Set), in place of <see cref="Authority"/>; read at the start.</value>
    public string? KeysFile { get; set; }

    /// <value>Who must have issued a token; the authority's own name by default.</value>
    public string? Issuer { get; set; }

    /// <value>Whom a token must be for: this service.</value>
    public string? Audience { get; set; }

    /// <value>Signatures that are taken, all with a public key; RS256 and ES256 by default.</value>
    public IReadOnlyList<string> Algorithms { get; set; } = [];

    /// <value>The claim that names the tenant; <c>tenant</c> by default. A token without it belongs to the tenant <c>default</c>.</value>
    public string TenantClaim { get; set; } = "tenant";

    /// <value>The claims that hold scopes; <c>scope</c> and <c>scp</c> by default.</value>
    public IReadOnlyList<string> ScopeClaims { get; set; } = [];

    /// <value>Seconds that clocks may differ, 0 to 300; 30 by default.</value>
    public int ClockSkewSeconds { get; set; } = 30;

    /// <value>Signatures that may be allowed: a shared secret or none is never taken.</value>
    internal static IReadOnlyList<string> Signatures { get; } =
        [Rsa, "RS384", "RS512", "PS256", "PS384", "PS512", Ecdsa, "ES384", "ES512"];

    internal bool IsConfigured => !string.IsNullOrWhiteSpace(Authority) || !string.IsNullOrWhiteSpace(KeysFile);

    internal IReadOnlyList<string> AllowedAlgorithms => Algorithms.Count > 0 ? Algorithms : [Rsa, Ecdsa];

    internal IReadOnlyList<string> AllScopeClaims => ScopeClaims.Count > 0 ? ScopeClaims : ["scope", "scp"];
}

/// <summary>Checks all members and reports all errors together.</summary>
internal sealed class SecurityOptionsValidator : IValidateOptions<SecurityOptions>
{
    public ValidateOptionsResult Validate(string? name, SecurityOptions options)
    {
        List<string> errors = [.. options.AllowedOrigins.Where(origin => !IsOrigin(origin)).Select(origin =>
            $"Security:AllowedOrigins: '{origin}' is no origin: write scheme, host and port alone, for example https://app.example.org.")];
        if (options.KeyRefreshSeconds is not (>= 0.05 and <= 60))
            errors.Add("Security:KeyRefreshSeconds must be between 0.05 and 60.");
        Check(options.Jwt, errors);
        return errors.Count > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }

    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
        && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp) && uri.GetLeftPart(UriPartial.Authority) == text;

    private static void Check(JwtOptions jwt, List<string> errors)
    {
        bool hasAuthority = !string.IsNullOrWhiteSpace(jwt.Authority), hasFile = !string.IsNullOrWhiteSpace(jwt.KeysFile);
        if (!hasAuthority && !hasFile)
        {
            if (jwt.Issuer is not null || jwt.Audience is not null || jwt.Algorithms.Count > 0)
                errors.Add("Security:Jwt: set Authority (an address) or KeysFile (a file of public keys), or leave the section out.");
            return;
        }
        if (hasAuthority && hasFile)
            errors.Add("Security:Jwt: Authority and KeysFile exclude each other.");
        if (hasAuthority && !IsSafe(jwt.Authority!))
            errors.Add("Security:Jwt:Authority must be an https address; http is taken on loopback alone.");
        if (hasFile && string.IsNullOrWhiteSpace(jwt.Issuer))
            errors.Add("Security:Jwt:Issuer is needed with KeysFile.");
        if (hasFile && !File.Exists(jwt.KeysFile))
            errors.Add($"Security:Jwt:KeysFile: there is no file '{jwt.KeysFile}'.");
        if (string.IsNullOrWhiteSpace(jwt.Audience))
            errors.Add("Security:Jwt:Audience is needed: a token for another service must not be taken.");
        errors.AddRange(jwt.Algorithms.Except(JwtOptions.Signatures).Select(other =>
            $"Security:Jwt:Algorithms: '{other}' is not taken. Known: {string.Join(", ", JwtOptions.Signatures)}."));
        if (string.IsNullOrWhiteSpace(jwt.TenantClaim))
            errors.Add("Security:Jwt:TenantClaim must not be empty.");
        if (jwt.ClockSkewSeconds is < 0 or > 300)
            errors.Add("Security:Jwt:ClockSkewSeconds must be between 0 and 300.");
    }

    private static bool IsSafe(string address) => Uri.TryCreate(address, UriKind.Absolute, out Uri? uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));
}
