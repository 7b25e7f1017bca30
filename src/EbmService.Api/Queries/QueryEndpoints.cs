using EbmService.Api.Errors;
using EbmService.Api.OpenApi;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;

namespace EbmService.Api.Queries;

/// <summary>The short queries: energy, classify, ood; answered in the request.</summary>
internal static class QueryEndpoints
{
    internal static IEndpointRouteBuilder MapQueries(this IEndpointRouteBuilder routes)
    {
        MapQueries(routes.MapGroup("/v1/models/{model}"), "");
        MapQueries(routes.MapGroup("/v1/models/{model}/versions/{version}"), "Pinned");
        return routes;
    }

    private static void MapQueries(RouteGroupBuilder group, string suffix)
    {
        group.WithTags("Short queries").RequireAuthorization(Scopes.Infer);
        Describe<EnergyRequest, EnergyResponse>(group.MapPost("/energy", EnergyAsync), "Energy" + suffix, "The energy E(x) of each input; lower = more likely.")
            .WithMetadata(RequestExamples.Energy);
        Describe<ClassifyRequest, ClassifyResponse>(group.MapPost("/classify", ClassifyAsync), "Classify" + suffix, "Class probabilities p(y | x) of each input.")
            .WithMetadata(RequestExamples.Classify);
        Describe<OodRequest, OodResponse>(group.MapPost("/ood", OodAsync), "Ood" + suffix, "Out-of-distribution scores, p-value and verdict of each input.")
            .WithMetadata(RequestExamples.Ood);
    }

    private static RouteHandlerBuilder Describe<TRequest, TResponse>(RouteHandlerBuilder builder, string name, string summary)
        where TRequest : QueryRequest =>
        builder.WithName(name).WithSummary(summary)
            .WithDescription("Inputs: JSON nested arrays or base64 tensor, application/x-npy, or multipart/form-data with PNG files (options then go into the query string). Send Accept: application/x-npy for a binary answer. "
                + "An input whose numbers are not finite has an error in place of a label or verdict; in a binary answer its row is NaN and the header Ebm-Failed-Rows names it. "
                + "Values outside the model's range or alphabet are refused unless outOfRange is allow.")
            .WithMetadata(new RequestBodyMetadata(typeof(TRequest), [NpyFormat.MediaType], Form: true))
            .Produces<TResponse>(200, "application/json", NpyFormat.MediaType)
            .Fails(FailureCode.InvalidRequest, FailureCode.ModelNotFound, FailureCode.VersionNotFound, FailureCode.BodyTooLarge,
                FailureCode.UnsupportedMediaType, FailureCode.NotSupported, FailureCode.OverPolicy, FailureCode.QueueFull,
                FailureCode.ModelUnavailable, FailureCode.DeviceLost, FailureCode.ShuttingDown, FailureCode.Internal);

    private static Task<IResult> EnergyAsync(string model, HttpRequest request, QueryHandler handler) =>
        handler.AnswerAsync(request, model, QueryKind.Energy, ModelTask.Energy,
            QueryResponseMapper.ToEnergy);

    private static Task<IResult> ClassifyAsync(string model, HttpRequest request, QueryHandler handler) =>
        handler.AnswerAsync(request, model, QueryKind.Classification, ModelTask.Classification,
            QueryResponseMapper.ToClassify);

    private static Task<IResult> OodAsync(string model, HttpRequest request, QueryHandler handler) =>
        handler.AnswerAsync(request, model, QueryKind.OutOfDistribution, ModelTask.OutOfDistribution,
            QueryResponseMapper.ToOod);
}
