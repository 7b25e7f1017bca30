using EbmService.Core.Failures;
using Microsoft.AspNetCore.Diagnostics;

namespace EbmService.Api.Errors;

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
