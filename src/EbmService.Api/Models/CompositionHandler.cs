using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Models;

/// <summary>Reads POST /v1/models and has the model made.</summary>
internal sealed class CompositionHandler(IOptions<LimitsOptions> limits, IModelComposer composer)
{
    /// <returns>The version as it is served, or why it was refused.</returns>
    internal async Task<Outcome<HostedModel>> AddAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return MediaTypes.Unsupported(request.ContentType ?? "", "application/json");
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        if (!body.Succeeded)
            return body.Failure;
        Outcome<CompositionRequest> read = JsonBody.Deserialize<CompositionRequest>(body.Value);
        // Off the request's thread: what is on the disk is waited for.
        return read.Succeeded ? await Task.Run(() => composer.Compose(read.Value), request.HttpContext.RequestAborted) : read.Failure;
    }
}
