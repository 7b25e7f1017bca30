using EbmService.Api.Errors;
using EbmService.Api.OpenApi;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Models;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Models;

/// <summary>What this server hosts, and how it is changed while it runs.</summary>
internal static class ModelEndpoints
{
    internal static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder models = routes.MapGroup("/v1/models").WithTags("Models");
        RouteGroupBuilder group = models.MapGroup("").RequireAuthorization(Scopes.ReadModels);
        RouteGroupBuilder admin = models.MapGroup("").RequireAuthorization(Scopes.ModelsAdmin);
        group.MapGet("/", List).WithName("ListModels")
            .WithSummary("All models: versions, state, memory, tasks, input schema, labels, figures.")
            .Produces<ModelListResponse>();
        DescribeCompose(admin.MapPost("/", ComposeAsync)).WithName("ComposeModel")
            .WithSummary("Makes a model of hosted ones: the product or the mixture of their densities.");
        DescribeCard(group.MapGet("/{model}", Get)).WithName("GetModel")
            .WithSummary("The card of a model's newest ready version.");
        group.MapGet("/{model}/calibrations", ListCalibrations).WithName("ListCalibrations")
            .WithSummary("The calibrations that jobs have made of a model, and which one requests mean that name none.")
            .Produces<CalibrationListResponse>().Fails(FailureCode.ModelNotFound, FailureCode.ModelUnavailable);
        DescribeCard(group.MapGet("/{model}/versions/{version}", GetVersion)).WithName("GetModelVersion")
            .WithSummary("The card of one version.");
        DescribeLoad(admin.MapPost("/{model}/load", LoadAsync)).WithName("LoadModel")
            .WithSummary("Reads a model's folder again and serves what is there.");
        DescribeLoad(admin.MapPost("/{model}/versions/{version}/load", LoadAsync)).WithName("LoadModelVersion")
            .WithSummary("Reads a model's folder again, with one version in memory and in service.");
        DescribeUnload(admin.MapPost("/{model}/unload", UnloadAsync)).WithName("UnloadModel")
            .WithSummary("Takes all versions of a model out of service.");
        DescribeUnload(admin.MapPost("/{model}/versions/{version}/unload", UnloadAsync)).WithName("UnloadModelVersion")
            .WithSummary("Takes one version of a model out of service.");
        DescribeUpload(admin.MapPut("/{model}/versions/{version}", UploadAsync), routes).WithName("UploadModelVersion")
            .WithSummary("Adds a version of a model, or a new model with its first version.");
        return routes;
    }

    private static RouteHandlerBuilder DescribeCard(RouteHandlerBuilder builder) =>
        builder.Produces<ModelCardResponse>().Fails(FailureCode.ModelNotFound, FailureCode.ModelUnavailable);

    private static RouteHandlerBuilder DescribeCompose(RouteHandlerBuilder builder) => builder
        .WithDescription("201 with the new model's card and its Location. The product has E(x) = sum_i weight_i E_i(x), the mixture "
            + "E(x) = -log sum_i weight_i exp(-E_i(x)); with a label a term is E(x, y) of that class. The version holds copies of all that it computes "
            + "with, is stored in the model repository and served at once. Off where the operator sets Models:AllowComposition to false.")
        .WithMetadata(new RequestBodyMetadata(typeof(CompositionRequest), []), RequestExamples.ComposeModel)
        .Produces<ModelCardResponse>(StatusCodes.Status201Created)
        .Fails(FailureCode.InvalidRequest, FailureCode.NotAllowed, FailureCode.NotSupported, FailureCode.VersionExists, FailureCode.BodyTooLarge,
            FailureCode.BodyTooSlow, FailureCode.UnsupportedMediaType, FailureCode.ModelUnavailable, FailureCode.StorageFailed, FailureCode.Internal);

    private static RouteHandlerBuilder DescribeLoad(RouteHandlerBuilder builder) => builder
        .WithDescription("The newest version, or the named one, is checked, put into memory and computes once before it answers; until "
            + "then the versions that were served answer. A model that is loaded is loaded anew: a version that was added to its folder, "
            + "replaced or repaired is served after it.")
        .Produces<ModelSummary>()
        .Fails(FailureCode.ModelNotFound, FailureCode.VersionNotFound, FailureCode.ModelUnavailable, FailureCode.Internal);

    private static RouteHandlerBuilder DescribeUnload(RouteHandlerBuilder builder) => builder
        .WithDescription("Requests for it are answered modelUnavailable until it is loaded again or the service starts anew. Queries under "
            + "way are answered, and jobs that have begun keep their version until they end; its memory is given back then.")
        .Produces<ModelSummary>()
        .Fails(FailureCode.ModelNotFound, FailureCode.VersionNotFound, FailureCode.ModelUnavailable, FailureCode.Internal);

    private static RouteHandlerBuilder DescribeUpload(RouteHandlerBuilder builder, IEndpointRouteBuilder routes) => builder
        .WithDescription("A form of files: `descriptor` (model.json; of a model that is there it may be left out), `weights`, `buffer` and "
            + "`calibration` (safetensors). The version is checked whole, stored, put into memory and served. Off unless the operator sets "
            + "Models:AllowUpload. Archives, pickles and TorchScript are never taken.")
        .WithMetadata(new UploadSizeLimit(routes.ServiceProvider.GetRequiredService<IOptions<ModelsOptions>>().Value.MaxUploadBytes))
        .WithMetadata(new FormFilesMetadata(ModelUploadHandler.Parts))
        .Produces<ModelCardResponse>(StatusCodes.Status201Created)
        .Fails(FailureCode.InvalidRequest, FailureCode.NotAllowed, FailureCode.VersionExists, FailureCode.BodyTooLarge,
            FailureCode.BodyTooSlow, FailureCode.UnsupportedMediaType, FailureCode.QueueFull, FailureCode.ModelUnavailable, FailureCode.StorageFailed,
            FailureCode.Internal);

    private static Ok<ModelListResponse> List(ModelContractMapper contracts) => TypedResults.Ok(contracts.ToList());

    private static Results<Ok<ModelCardResponse>, FailureResult> Get(string model, IModelCatalog catalog, ModelContractMapper contracts) =>
        Card(catalog.Find(model), contracts);

    private static Results<Ok<CalibrationListResponse>, FailureResult> ListCalibrations(string model, IModelCatalog catalog, ModelContractMapper contracts)
    {
        Outcome<HostedModel> found = catalog.Find(model);
        return found.Succeeded ? TypedResults.Ok(contracts.ToCalibrations(found.Value)) : new FailureResult(found.Failure);
    }

    private static Results<Ok<ModelCardResponse>, FailureResult> GetVersion(
        string model, string version, IModelCatalog catalog, ModelContractMapper contracts) =>
        Card(catalog.Find(model, version), contracts);

    private static Results<Ok<ModelCardResponse>, FailureResult> Card(Outcome<HostedModel> found, ModelContractMapper contracts) =>
        found.Succeeded ? TypedResults.Ok(contracts.ToCard(found.Value)) : new FailureResult(found.Failure);

    private static Task<Results<Ok<ModelSummary>, FailureResult>> LoadAsync(
        string model, HttpRequest request, IModelLoader loader, ModelContractMapper contracts) =>
        ChangeAsync(model, request, loader.Load, contracts);

    private static Task<Results<Ok<ModelSummary>, FailureResult>> UnloadAsync(
        string model, HttpRequest request, IModelLoader loader, ModelContractMapper contracts) =>
        ChangeAsync(model, request, loader.Unload, contracts);

    private static async Task<Results<Created<ModelCardResponse>, FailureResult>> UploadAsync(
        string model, string version, HttpRequest request, ModelUploadHandler uploads, ModelContractMapper contracts)
    {
        Outcome<HostedModel> added = await uploads.AddAsync(new ModelKey(model, version), request);
        return added.Succeeded
            ? TypedResults.Created($"{request.PathBase}/v1/models/{model}/versions/{version}", contracts.ToCard(added.Value))
            : new FailureResult(added.Failure);
    }

    private static async Task<Results<Created<ModelCardResponse>, FailureResult>> ComposeAsync(
        HttpRequest request, CompositionHandler compositions, ModelContractMapper contracts)
    {
        Outcome<HostedModel> made = await compositions.AddAsync(request);
        return made.Succeeded
            ? TypedResults.Created($"{request.PathBase}/v1/models/{made.Value.Key.Name}/versions/{made.Value.Key.Version}", contracts.ToCard(made.Value))
            : new FailureResult(made.Failure);
    }

    /// <summary>Off the request's thread: reading and putting into memory may take seconds.</summary>
    private static async Task<Results<Ok<ModelSummary>, FailureResult>> ChangeAsync(
        string model, HttpRequest request, Func<string, string?, Outcome<HostedModel>> change, ModelContractMapper contracts)
    {
        string? version = request.RouteValues["version"] as string;
        Outcome<HostedModel> changed = await Task.Run(() => change(model, version), request.HttpContext.RequestAborted);
        return changed.Succeeded ? TypedResults.Ok(contracts.ToSummary(model)) : new FailureResult(changed.Failure);
    }
}

/// <summary>The largest body of an upload, in place of the server's limit for all others.</summary>
internal sealed record UploadSizeLimit(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
