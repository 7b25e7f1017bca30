using EbmService.Api.Errors;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.IdentityModel.Tokens;

namespace EbmService.Api.Security;

/// <summary>Answers who is not let in with a problem: 401 without a valid key, 403 where it lacks a scope.</summary>
internal sealed class AccessProblems(AuditLog audit) : IAuthorizationMiddlewareResultHandler
{
    private const string Realm = "Bearer realm=\"EbmService\"";

    private const string Remedy = "Send a key in 'Authorization: Bearer ...' or 'X-Api-Key: ...'; the operator makes one with: ebm keys create";

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
            return next(context);
        return authorizeResult.Forbidden ? ForbidAsync(context, policy) : ChallengeAsync(context);
    }

    private async Task ChallengeAsync(HttpContext context)
    {
        // Not done again: the scheme keeps its result for the request.
        string? reason = (await context.AuthenticateAsync()).Failure is { } failure ? Describe(failure) : null;
        context.Response.Headers.WWWAuthenticate = reason is null ? Realm : Realm + ", error=\"invalid_token\"";
        // A stranger without any key is no event.
        if (reason is not null)
            audit.Refused(context, reason);
        await new FailureResult(new Failure(FailureCode.Unauthenticated, reason ?? "The service needs a key.", Remedy)).ExecuteAsync(context);
    }

    private Task ForbidAsync(HttpContext context, AuthorizationPolicy policy)
    {
        string[] scopes = [.. policy.Requirements.OfType<Microsoft.AspNetCore.Authorization.Infrastructure.ClaimsAuthorizationRequirement>()
            .SelectMany(requirement => requirement.AllowedValues ?? [])];
        string reason = scopes.Length == 0 ? "The route is open to nobody: it has no policy."
            : $"The key lacks the scope {string.Join(" or ", scopes)}.";
        audit.Refused(context, $"{Caller.Describe(context.User)}: {reason}");
        return new FailureResult(new Failure(FailureCode.Forbidden, reason, "Use a key that has it: ebm keys create --scopes ..."))
            .ExecuteAsync(context);
    }

    /// <summary>Our own words for a token's faults: the library's may quote the token.</summary>
    private static string Describe(Exception failure) => failure switch
    {
        SecurityTokenExpiredException or SecurityTokenInvalidLifetimeException or SecurityTokenNotYetValidException
            or SecurityTokenNoExpirationException => "The token has expired, is not valid yet, or has no end.",
        SecurityTokenInvalidAudienceException => "The token is for another service.",
        SecurityTokenInvalidIssuerException => "The token is from another issuer.",
        SecurityTokenInvalidAlgorithmException => "The token is signed with an algorithm that is not allowed.",
        SecurityTokenException or ArgumentException => "The token is not valid, or its signature is not the issuer's.",
        AuthenticationFailureException own => own.Message,
        _ => "The token could not be checked: the issuer's keys can't be read now.",
    };
}
