using EbmService.Api.Errors;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Models;

/// <summary>The pictures of a model's card.</summary>
internal static class ModelPictureEndpoints
{
    internal static IEndpointRouteBuilder MapModelPictures(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/models/{model}/pictures").WithTags("Models").RequireAuthorization(Scopes.ReadModels);
        group.MapGet("/", List).WithName("ListModelPictures").WithSummary("The pictures of a model: samples, training curves.")
            .Produces<ModelPicturesResponse>().Fails(FailureCode.ModelNotFound, FailureCode.ModelUnavailable);
        group.MapGet("/{name}", Read).WithName("GetModelPicture").WithSummary("One picture of a model.")
            .Produces<byte[]>(200, "image/png").Fails(FailureCode.ModelNotFound, FailureCode.ModelUnavailable, FailureCode.ResultNotFound);
        return routes;
    }

    private static Results<Ok<ModelPicturesResponse>, FailureResult> List(
        string model, HttpRequest request, IModelCatalog catalog, IModelPictures pictures)
    {
        Outcome<HostedModel> found = catalog.Find(model);
        if (!found.Succeeded)
            return new FailureResult(found.Failure);
        string path = $"{request.PathBase}/v1/models/{Uri.EscapeDataString(model)}/pictures/";
        return TypedResults.Ok(new ModelPicturesResponse(
            [.. pictures.List(model).Select(name => new ModelPictureResponse(name, path + Uri.EscapeDataString(name)))]));
    }

    private static Results<FileContentHttpResult, FailureResult> Read(string model, string name, IModelCatalog catalog, IModelPictures pictures)
    {
        Outcome<HostedModel> found = catalog.Find(model);
        if (!found.Succeeded)
            return new FailureResult(found.Failure);
        return pictures.TryRead(model, name) is { } picture
            ? TypedResults.File(picture, "image/png")
            : new FailureResult(new Failure(
                FailureCode.ResultNotFound, $"The model '{model}' has no picture '{name}'.", $"GET /v1/models/{model}/pictures lists them."));
    }
}
