using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;

namespace EbmService.Api.Errors;

/// <summary>Gives a problem body to answers that routing or the server refused with a bare status: 404, 405, 415.</summary>
internal static class StatusCodeProblems
{
    /// <summary>A range that a file does not have is refused as a file of no bytes, which would pass for a body.</summary>
    internal static async Task UncoverAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response is { StatusCode: StatusCodes.Status416RangeNotSatisfiable, HasStarted: false } response)
            (response.ContentLength, response.ContentType) = (null, null);
    }

    internal static Task WriteAsync(StatusCodeContext status)
    {
        (string code, string detail, string remedy) = Describe(status.HttpContext);
        return WriteAsync(status.HttpContext, status.HttpContext.Response.StatusCode, code, detail, remedy);
    }

    internal static Task WriteAsync(HttpContext context, int status, string code, string detail, string remedy)
    {
        var problem = new ProblemDetails
        {
            Type = "urn:ebmservice:problem:" + JsonNamingPolicy.KebabCaseLower.ConvertName(code),
            Title = detail,
            Status = status,
            Detail = detail,
        };
        problem.Extensions["code"] = code;
        problem.Extensions["remedy"] = remedy;
        problem.Extensions["error"] = detail;
        return FailureResult.WriteAsync(context, problem, retryAfter: null);
    }

    private static (string Code, string Detail, string Remedy) Describe(HttpContext context)
    {
        const string SeeSwagger = "See /swagger for the paths and methods.";
        return context.Response.StatusCode switch
        {
            403 => ("foreignOrigin", "The request comes from a page of another site.",
                "Open the service's own address; programs leave the Origin header out."),
            404 => ("routeNotFound", $"There is nothing at '{context.Request.Path}'.", SeeSwagger),
            405 => ("methodNotAllowed", $"{context.Request.Method} is not possible at '{context.Request.Path}'.",
                $"Use one of: {context.Response.Headers.Allow}."),
            408 => ("bodyTooSlow", "The body came too slowly.", "Send it again over a faster connection, or in smaller parts."),
            413 => ("bodyTooLarge", "The body is too large.", "Send less per request, or raise Limits:MaxBodyBytes."),
            415 => ("unsupportedMediaType", "The body's media type is not supported.", "Set Content-Type to application/json."),
            416 => ("rangeNotSatisfiable", "The file has no such range of bytes.", "Content-Range names the file's length."),
            var other => ("refused", $"The request was refused with status {other}.", SeeSwagger),
        };
    }
}
