using System.Diagnostics;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Diagnostics;
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

internal static class FailureMetadataExtensions
{
    /// <summary>Documents the error responses that these failures give.</summary>
    internal static RouteHandlerBuilder Fails(this RouteHandlerBuilder builder, params FailureCode[] codes)
    {
        foreach (int status in codes.Select(code => FailureProblemMapper.KindOf(code).Status).Distinct().Order())
            builder.Produces<ProblemResponse>(status, FailureResult.MediaType);
        return builder.WithMetadata(new FailureCodesMetadata(codes));
    }
}

/// <summary>The failures an operation can answer with; the OpenAPI document describes them.</summary>
internal sealed record FailureCodesMetadata(IReadOnlyList<FailureCode> Codes);

/// <summary>Turns whatever escaped a handler into a problem without any internals.</summary>
internal sealed class FailureExceptionHandler(ILogger<FailureExceptionHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        await new FailureResult(ToFailure(exception, httpContext)).ExecuteAsync(httpContext);
        return true;
    }

    private Failure ToFailure(Exception exception, HttpContext context)
    {
        switch (exception)
        {
            case FailureException failed:
                return failed.Failure;
            case BadHttpRequestException bad:
                return new Failure(FailureProblemMapper.CodeOf(bad.StatusCode), bad.Message);
            default:
                ApiLog.Unhandled(logger, context.Request.Method, context.Request.Path, exception);
                return new Failure(FailureCode.Internal, "The request could not be answered.");
        }
    }
}
