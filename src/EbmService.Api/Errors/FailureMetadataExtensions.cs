using EbmService.Core.Failures;

namespace EbmService.Api.Errors;

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
