using EbmService.Api.Errors;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Models;

/// <summary>What this server hosts.</summary>
internal static class ModelEndpoints
{
    internal static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/models").WithTags("Models");
        group.MapGet("/", List).WithName("ListModels")
            .WithSummary("All models: versions, state, tasks, input schema, labels, figures.")
            .Produces<ModelListResponse>();
        Describe(group.MapGet("/{model}", Get)).WithName("GetModel")
            .WithSummary("The card of a model's newest ready version.");
        Describe(group.MapGet("/{model}/versions/{version}", GetVersion)).WithName("GetModelVersion")
            .WithSummary("The card of one version.");
        return routes;
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder builder) =>
        builder.Produces<ModelCardResponse>().Fails(FailureCode.ModelNotFound, FailureCode.ModelUnavailable);

    private static Ok<ModelListResponse> List(IModelCatalog catalog) =>
        TypedResults.Ok(ModelContractMapper.ToList(catalog.List()));

    private static Results<Ok<ModelCardResponse>, FailureResult> Get(string model, IModelCatalog catalog) =>
        Card(catalog, model, version: null);

    private static Results<Ok<ModelCardResponse>, FailureResult> GetVersion(string model, string version, IModelCatalog catalog) =>
        Card(catalog, model, version);

    private static Results<Ok<ModelCardResponse>, FailureResult> Card(IModelCatalog catalog, string name, string? version)
    {
        Outcome<HostedModel> found = catalog.Find(name, version);
        return found.Succeeded
            ? TypedResults.Ok(ModelContractMapper.ToCard(found.Value, catalog.List()))
            : new FailureResult(found.Failure);
    }
}
