using System.Diagnostics;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Mvc;

namespace EbmService.Api.Errors;

/// <summary>Answers a request with the problem of a <see cref="Core.Failures.Failure"/>.</summary>
internal sealed class FailureResult(Failure failure) : IResult
{
    internal const string MediaType = "application/problem+json";

    internal Failure Failure { get; } = failure;

    public static implicit operator FailureResult(Failure failure) => new(failure);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        ProblemDetails problem = FailureProblemMapper.ToProblem(Failure);
        return WriteAsync(httpContext, problem, FailureProblemMapper.RetryAfter(Failure));
    }

    internal static Task WriteAsync(HttpContext context, ProblemDetails problem, string? retryAfter)
    {
        problem.Instance ??= context.Request.PathBase + context.Request.Path;
        problem.Extensions["traceId"] = Activity.Current?.Id ?? context.TraceIdentifier;
        context.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;
        if (retryAfter is not null)
            context.Response.Headers.RetryAfter = retryAfter;
        return context.Response.WriteAsJsonAsync(problem, options: null, MediaType, context.RequestAborted);
    }
}
