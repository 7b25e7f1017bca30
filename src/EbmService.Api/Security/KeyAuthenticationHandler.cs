using System.Security.Claims;
using System.Text.Encodings.Web;
using EbmService.Jobs.Keys;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>Lets in whoever shows a key of this service, and everybody where nobody has to authenticate.</summary>
internal sealed class KeyAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, KeyRing keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    private static readonly AuthenticateResult s_open = AuthenticateResult.Success(new AuthenticationTicket(
        new ClaimsPrincipal(CallerClaims.Identity(CallerKind.Open, "", "anybody", tenant: null, ApiKeyScopes.All)), SchemeNames.Key));

    private static readonly Task<AuthenticateResult> s_none = Task.FromResult(AuthenticateResult.NoResult());

    private static readonly AuthenticateResult s_several =
        AuthenticateResult.Fail("The request shows several keys: send one, in Authorization or in X-Api-Key.");

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (keys.IsOpen)
            return Task.FromResult(s_open);
        Credential shown = Credential.Read(Context);
        if (shown.IsAmbiguous)
            return Task.FromResult(s_several);
        return shown.Token is { } token ? Task.FromResult(keys.Check(token)) : s_none;
    }

    /// <summary>The scheme for a request: tokens that are no keys of ours go to the issuer's, where one is configured.</summary>
    internal static string SchemeOf(HttpContext context, SecurityOptions options) => options.Jwt.IsConfigured
        && Credential.Read(context).Token is { } token && !token.StartsWith(ApiKeyText.Prefix, StringComparison.Ordinal)
        ? SchemeNames.Jwt : SchemeNames.Key;
}
