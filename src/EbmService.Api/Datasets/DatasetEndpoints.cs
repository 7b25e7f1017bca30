using EbmService.Api.Errors;
using EbmService.Api.Models;
using EbmService.Api.OpenApi;
using EbmService.Api.Security;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Jobs.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Datasets;

/// <summary>Rows that are uploaded once and named by jobs.</summary>
internal static class DatasetEndpoints
{
    private static readonly string[] s_plain =
        ["application/octet-stream", "application/x-npy", "application/zip", "application/gzip", "text/csv"];

    internal static IEndpointRouteBuilder MapDatasets(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/datasets").WithTags("Datasets").RequireAuthorization(Scopes.Jobs);
        group.MapGet("/", List).WithName("ListDatasets").WithSummary("All datasets, by name.").Produces<DatasetListResponse>();
        group.MapGet("/{dataset}", Get).WithName("GetDataset").WithSummary("One dataset: shape, dtype, range, classes, SHA-256.")
            .Produces<DatasetResponse>().Fails(FailureCode.DatasetNotFound);
        group.MapGet("/{dataset}/preview", PreviewAsync).WithName("PreviewDataset").WithSummary("The first rows as one PNG.")
            .WithDescription("Of images and of points of the plane; up to 64 rows. The ETag is the rows' SHA-256.")
            .Produces<byte[]>(200, "image/png").Produces(304).Fails(FailureCode.DatasetNotFound, FailureCode.NotSupported, FailureCode.StorageFailed);
        DescribeUpload(group.MapPut("/{dataset}", UploadAsync), routes).WithName("UploadDataset")
            .WithSummary("Uploads rows under a name.");
        DescribeUpload(group.MapPost("/", UploadNamedAsync), routes).WithName("CreateDataset")
            .WithSummary("Uploads rows under the name of the query.");
        group.MapDelete("/{dataset}", DeleteAsync).WithName("DeleteDataset").WithSummary("Deletes a dataset that no job uses.")
            .WithDescription("409 while a job that has not ended uses it. Results that were made with it stay.")
            .Produces(204).Fails(FailureCode.DatasetNotFound, FailureCode.DatasetInUse, FailureCode.StorageFailed);
        return routes;
    }

    private static RouteHandlerBuilder DescribeUpload(RouteHandlerBuilder builder, IEndpointRouteBuilder routes) => builder
        .WithDescription("The body is a file, told by its first bytes: .npy, .npz (one array of rows, and one of labels named y or labels), IDX, a "
            + "zip of PNG files (a folder per class), CSV (a column `label`), each also under gzip; or a form of two files, `rows` and `labels`. It is "
            + "streamed to the disk. uint8 stays uint8, which image models take as pixel levels; all else becomes float32, taken as it is. "
            + "The same rows under the same name again are answered 200; equal rows under several names are stored once. "
            + "Limits: Datasets:MaxUploadBytes, MaxContentBytes, MaxEntries.")
        .WithMetadata(new UploadSizeLimit(routes.ServiceProvider.GetRequiredService<IOptions<DatasetOptions>>().Value.MaxUploadBytes))
        .WithMetadata(new FormFilesMetadata(DatasetUploadHandler.Parts) { Plain = s_plain })
        .Produces<DatasetResponse>(StatusCodes.Status201Created).Produces<DatasetResponse>()
        .Fails(FailureCode.InvalidRequest, FailureCode.DatasetExists, FailureCode.BodyTooLarge, FailureCode.BodyTooSlow,
            FailureCode.UnsupportedMediaType, FailureCode.OverPolicy, FailureCode.StorageFailed);

    private static Ok<DatasetListResponse> List(HttpRequest request, CallerDatasets datasets) =>
        TypedResults.Ok(new DatasetListResponse([.. datasets.Own.List().Select(dataset => DatasetContractMapper.ToResponse(dataset, request.PathBase))]));

    private static Results<Ok<DatasetResponse>, FailureResult> Get(string dataset, HttpRequest request, CallerDatasets datasets)
    {
        Outcome<Dataset> found = datasets.Own.Find(dataset);
        return found.Succeeded ? TypedResults.Ok(DatasetContractMapper.ToResponse(found.Value, request.PathBase)) : new FailureResult(found.Failure);
    }

    private static async Task<Results<FileContentHttpResult, FailureResult>> PreviewAsync(string dataset, CallerDatasets datasets)
    {
        Outcome<Dataset> found = datasets.Own.Find(dataset);
        if (!found.Succeeded)
            return new FailureResult(found.Failure);
        byte[]? png = await Task.Run(() => datasets.Own.Draw(found.Value));
        return png is null
            ? new FailureResult(new Failure(FailureCode.NotSupported, $"Rows of shape [{string.Join(", ", found.Value.Shape)}] can't be drawn.",
                "Pictures are of images (1 or 3 channels) and of points of the plane."))
            : TypedResults.File(png, "image/png", entityTag: new EntityTagHeaderValue($"\"{found.Value.Sha256}\""));
    }

    private static Task<Results<Created<DatasetResponse>, Ok<DatasetResponse>, FailureResult>> UploadAsync(
        string dataset, HttpRequest request, DatasetUploadHandler uploads) => AddAsync(dataset, request, uploads);

    private static async Task<Results<Created<DatasetResponse>, Ok<DatasetResponse>, FailureResult>> UploadNamedAsync(
        HttpRequest request, DatasetUploadHandler uploads, string? name = null) => name is { Length: > 0 }
        ? await AddAsync(name, request, uploads)
        : new FailureResult(Failure.OfFields([new FieldError("name", "Name the dataset: POST /v1/datasets?name=digits, or PUT /v1/datasets/digits.")]));

    private static async Task<Results<Created<DatasetResponse>, Ok<DatasetResponse>, FailureResult>> AddAsync(
        string name, HttpRequest request, DatasetUploadHandler uploads)
    {
        Outcome<(Dataset Dataset, bool IsNew)> added = await uploads.AddAsync(name, request);
        if (!added.Succeeded)
            return new FailureResult(added.Failure);
        DatasetResponse response = DatasetContractMapper.ToResponse(added.Value.Dataset, request.PathBase);
        return added.Value.IsNew ? TypedResults.Created(response.Links["self"], response) : TypedResults.Ok(response);
    }

    private static async Task<Results<NoContent, FailureResult>> DeleteAsync(string dataset, CallerDatasets datasets) =>
        await Task.Run(() => datasets.Own.Delete(dataset)) is { } failure ? new FailureResult(failure) : TypedResults.NoContent();
}
