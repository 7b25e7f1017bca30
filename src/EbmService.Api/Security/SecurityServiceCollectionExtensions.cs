using EbmService.Api.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>Who may come in, and what they may do.</summary>
internal static class SecurityServiceCollectionExtensions
{
    private static readonly string[] s_exposed =
    [
        "Location", "ETag", "Content-Range", "Accept-Ranges", "Retry-After", "Content-Disposition", "Preference-Applied", "RateLimit", "RateLimit-Policy", "WWW-Authenticate",
        "Ebm-Model", "Ebm-Digest", "Ebm-Failed-Rows", "Ebm-Warning",
    ];

    internal static IServiceCollection AddSecurity(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SecurityOptions>().Bind(configuration.GetSection(SecurityOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<SecurityOptions>, SecurityOptionsValidator>();
        services.AddSingleton<HostGuard>().AddSingleton<SameOriginGuard>().AddSingleton<AuditLog>();
        services.Configure<HostFilteringOptions>(framework => framework.AllowedHosts = ["*"]);
        // The keys first: the guard asks whether there are any.
        services.AddSingleton<KeyRing>().AddHostedService(provider => provider.GetRequiredService<KeyRing>()).AddHostedService<NetworkGuard>();
        services.AddSingleton<IHttpContextFactory, QueryTokenContextFactory>();
        return services.AddCallers().AddPolicies().AddOrigins().AddRateLimits();
    }

    private static IServiceCollection AddCallers(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddScoped(provider => ActivatorUtilities.CreateInstance<Caller>(
            provider, provider.GetRequiredService<IHttpContextAccessor>().HttpContext!.User));
        return services.AddScoped<CallerJobs>().AddScoped<CallerDatasets>();
    }

    private static IServiceCollection AddPolicies(this IServiceCollection services)
    {
        services.AddAuthentication(SchemeNames.Any)
            .AddPolicyScheme(SchemeNames.Any, displayName: null, _ => { })
            .AddScheme<AuthenticationSchemeOptions, KeyAuthenticationHandler>(SchemeNames.Key, _ => { })
            .AddJwtBearer(SchemeNames.Jwt, _ => { });
        // Nothing here is encrypted with keys of the machine: at its start this would make some, in the user's home.
        services.Remove(services.Single(service => service.ImplementationType?.Name == "DataProtectionHostedService"));
        services.AddOptions<PolicySchemeOptions>(SchemeNames.Any).Configure<IOptions<SecurityOptions>>((scheme, security) =>
            scheme.ForwardDefaultSelector = context => KeyAuthenticationHandler.SchemeOf(context, security.Value));
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, JwtBearerSetup>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, AccessProblems>();
        AuthorizationBuilder policies = services.AddAuthorizationBuilder();
        foreach (string policy in Scopes.Policies)
            policies.AddPolicy(policy, rule => rule.RequireClaim(CallerClaims.Scope, Scopes.Of(policy)));
        // What is no route of ours may say 404 or 405 to anybody; a route that names no policy is for nobody.
        policies.SetFallbackPolicy(new AuthorizationPolicyBuilder()
            .RequireAssertion(asked => (asked.Resource as HttpContext)?.GetEndpoint() is not RouteEndpoint).Build());
        return services;
    }

    /// <summary>Without origins in the settings pages of other hosts get no headers, and so no answers.</summary>
    private static IServiceCollection AddOrigins(this IServiceCollection services)
    {
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<IOptions<SecurityOptions>>((cors, security) => cors.AddDefaultPolicy(policy =>
        {
            if (security.Value.AllowedOrigins.Count == 0)
                return;
            policy.WithOrigins([.. security.Value.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders(s_exposed)
                // SignalR's client for browsers asks for it, though there are no cookies.
                .AllowCredentials().SetPreflightMaxAge(TimeSpan.FromMinutes(10));
        }));
        return services;
    }

    private static IServiceCollection AddRateLimits(this IServiceCollection services)
    {
        services.AddRateLimiter(_ => { });
        services.AddSingleton<RateLimits>();
        return services.AddSingleton<IConfigureOptions<RateLimiterOptions>>(provider => provider.GetRequiredService<RateLimits>());
    }
}

internal static class SecurityApplicationExtensions
{
    /// <summary>Stands after routing and before anything reads a body.</summary>
    internal static WebApplication UseSecurity(this WebApplication app)
    {
        AuditLog audit = app.Services.GetRequiredService<AuditLog>();
        RateLimits rates = app.Services.GetRequiredService<RateLimits>();
        app.UseCors();
        app.UseAuthentication();
        app.Use(next => context => AdminAudit.InvokeAsync(context, next, audit));
        app.UseAuthorization();
        app.Use(next => context => TenantGuard.InvokeAsync(context, next));
        app.UseRateLimiter();
        app.Use(next => context => rates.DescribeAsync(context, next));
        return app;
    }
}
