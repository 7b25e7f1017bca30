using System.Security.Claims;
using EbmService.Core.Jobs;
using EbmService.Jobs.Keys;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace EbmService.Api.Security;

/// <summary>Sets up the framework's handler of JSON Web Tokens by <c>Security:Jwt</c>.</summary>
internal sealed class JwtBearerSetup(IOptions<SecurityOptions> security, TimeProvider clock) : IConfigureNamedOptions<JwtBearerOptions>
{
    private const int MaxTokenBytes = 16 * 1024;
    private readonly JwtOptions _jwt = security.Value.Jwt;

    public void Configure(JwtBearerOptions options) => Configure(SchemeNames.Jwt, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        if (name != SchemeNames.Jwt || !_jwt.IsConfigured)
            return;
        options.MapInboundClaims = false;
        options.IncludeErrorDetails = false;
        options.Audience = _jwt.Audience;
        if (_jwt.KeysFile is { Length: > 0 } file)
            options.Configuration = new OpenIdConnectConfiguration { Issuer = _jwt.Issuer };
        else
        {
            options.Authority = _jwt.Authority;
            // The validator has let http through on loopback alone.
            options.RequireHttpsMetadata = new Uri(_jwt.Authority!).Scheme == Uri.UriSchemeHttps;
            file = null;
        }
        options.TokenHandlers.Clear();
        options.TokenHandlers.Add(new JsonWebTokenHandler { MaximumTokenSizeInBytes = MaxTokenBytes, MapInboundClaims = false });
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidAlgorithms = _jwt.AllowedAlgorithms,
            ValidIssuer = _jwt.Issuer,
            ValidAudience = _jwt.Audience,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ValidateIssuerSigningKey = true,
            IssuerSigningKeys = file is null ? null : ReadKeys(file),
            // Its own would look at the machine's clock.
            LifetimeValidator = (from, until, _, _) => IsNow(from, until),
        };
        options.Events = new JwtBearerEvents { OnMessageReceived = TakeToken, OnTokenValidated = Translate };
    }

    /// <summary>Public keys alone: a secret in the set could be used to sign.</summary>
    private static List<SecurityKey> ReadKeys(string file)
    {
        JsonWebKeySet set = JsonWebKeySet.Create(File.ReadAllText(file));
        List<SecurityKey> keys = [.. set.GetSigningKeys().Where(key => key is AsymmetricSecurityKey or JsonWebKey { Kty: "RSA" or "EC" })];
        return keys.Count > 0 ? keys : throw new OptionsValidationException(
            SecurityOptions.Section, typeof(SecurityOptions), [$"Security:Jwt:KeysFile: '{file}' holds no public key (RSA or EC) for signatures."]);
    }

    private bool IsNow(DateTime? from, DateTime? until)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        TimeSpan skew = TimeSpan.FromSeconds(_jwt.ClockSkewSeconds);
        return until is { } end && now < end + skew && (from is not { } begin || now >= begin - skew);
    }

    private static Task TakeToken(MessageReceivedContext context)
    {
        Credential shown = Credential.Read(context.HttpContext);
        if (shown.Token is null)
            context.NoResult();
        context.Token = shown.Token;
        return Task.CompletedTask;
    }

    /// <summary>From the issuer's claims to ours; nothing else of the token is kept.</summary>
    private Task Translate(TokenValidatedContext context)
    {
        ClaimsPrincipal token = context.Principal!;
        string tenant = token.FindFirst(_jwt.TenantClaim)?.Value ?? JobSnapshot.DefaultTenant;
        if (!TenantName.IsValid(tenant))
        {
            context.Fail($"The token's claim '{_jwt.TenantClaim}' is no tenant's name.");
            return Task.CompletedTask;
        }
        IEnumerable<string> scopes = _jwt.AllScopeClaims.SelectMany(token.FindAll)
            .SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Intersect(ApiKeyScopes.All);
        string subject = token.FindFirst(JwtRegisteredClaimNames.Sub)?.Value ?? "unnamed";
        DateTimeOffset expires = context.SecurityToken.ValidTo + TimeSpan.FromSeconds(_jwt.ClockSkewSeconds);
        context.Principal = new ClaimsPrincipal(CallerClaims.Identity(CallerKind.Token, subject, subject, tenant, scopes, expires));
        return Task.CompletedTask;
    }
}
