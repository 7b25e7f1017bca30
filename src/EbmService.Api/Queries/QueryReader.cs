using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Queries;

/// <summary>A validated query, and what looks wrong with its inputs all the same.</summary>
/// <param name="Warnings">Null where nothing does.</param>
internal sealed record AcceptedQuery(ModelQuery Query, IReadOnlyList<string>? Warnings);

/// <summary>Makes a validated query of a request, whatever the body's format.</summary>
internal sealed class QueryReader(IImageCodec codec, IOptions<LimitsOptions> limits)
{
    /// <param name="IsMapped">Whether pixel levels were mapped to the model's range; then their scale is known.</param>
    private sealed record Batch(TensorPayload Inputs, QueryOptions Options, string Field, bool IsMapped);

    internal async Task<Outcome<AcceptedQuery>> ReadAsync(HttpRequest request, QueryKind kind, HostedModel model)
    {
        var errors = new List<FieldError>();
        QueryOptions fromQuery = QueryOptions.Of(request.Query, kind, errors);
        Outcome<Batch> read = await ReadBatchAsync(request, kind, model);
        if (!read.Succeeded)
            return read.Failure.Fields.Count > 0 ? Failure.OfFields([.. errors, .. read.Failure.Fields]) : read.Failure;

        Batch batch = read.Value;
        QueryOptions options = batch.Options.Or(fromQuery);
        options.Check(limits.Value, batch.Inputs.Rows, errors);
        Outcome<TensorPayload> inputs = InputShape.Check(batch.Inputs, model, limits.Value.MaxBatch, batch.Field, options.OutOfRange ?? OutOfRange.Refuse);
        if (!inputs.Succeeded)
            errors.AddRange(inputs.Failure.Fields);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var query = new ModelQuery
        {
            Model = model.Key,
            Kind = kind,
            Inputs = inputs.Value!,
            Gradients = options.Gradients ?? false,
            RefineSteps = options.RefineSteps ?? 0,
            Score = options.Score,
            Alpha = options.Alpha ?? 0.05,
            FalseDiscoveryRate = options.FalseDiscoveryRate,
            Calibration = options.Calibration,
            AbstainBelow = options.AbstainBelow,
        };
        string? warning = batch.IsMapped ? null : InputValues.WarningOf(query.Inputs, model.Descriptor!.Input);
        return new AcceptedQuery(query, warning is null ? null : [warning]);
    }

    private async Task<Outcome<Batch>> ReadBatchAsync(HttpRequest request, QueryKind kind, HostedModel model)
    {
        string mediaType = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) ? type.MediaType.ToString() : "";
        bool json = request.HasJsonContentType();
        bool npy = mediaType.Equals(NpyFormat.MediaType, StringComparison.OrdinalIgnoreCase);
        bool form = mediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase);
        if (!json && !npy && !form)
            return MediaTypes.Unsupported(mediaType, "application/json", NpyFormat.MediaType, "multipart/form-data");

        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        if (!body.Succeeded)
            return body.Failure;
        if (json)
            return ReadJson(body.Value, kind, model);
        if (npy)
            return ReadNpy(body.Value, model.Descriptor!.Input);
        Outcome<TensorPayload> pictures = await PngInputReader.ReadAsync(body.Value, request.ContentType!, model, codec, limits.Value.MaxBatch);
        return pictures.Succeeded ? new Batch(pictures.Value, new QueryOptions(), "files", IsMapped: true) : pictures.Failure;
    }

    /// <summary>One batch; uint8 counts as pixel levels.</summary>
    private static Outcome<Batch> ReadNpy(ReadOnlySpan<byte> body, InputSchema schema)
    {
        try
        {
            TensorPayload batch = NpyFormat.Read(body, out NpyHeader header);
            bool isLevels = header.Dtype.IsUint8 && schema.Kind == InputKind.Image;
            return new Batch(isLevels ? InputShape.FromLevels(batch, schema) : batch, new QueryOptions(), "body", isLevels);
        }
        catch (FormatException wrong)
        {
            return Failure.OfFields([new FieldError("body", $"The .npy can't be read: {wrong.Message}.")]);
        }
    }

    private static Outcome<Batch> ReadJson(ReadOnlySpan<byte> body, QueryKind kind, HostedModel model) => kind switch
    {
        QueryKind.Energy => ToBatch(JsonBody.Deserialize<EnergyRequest>(body), model),
        QueryKind.Classification => ToBatch(JsonBody.Deserialize<ClassifyRequest>(body), model),
        _ => ToBatch(JsonBody.Deserialize<OodRequest>(body), model),
    };

    private static Outcome<Batch> ToBatch<T>(Outcome<T> read, HostedModel model)
        where T : QueryRequest
    {
        if (!read.Succeeded)
            return read.Failure;
        T request = read.Value;
        if (request.Inputs is null == request.Tensor is null)
            return Failure.OfFields([new FieldError("inputs", "Give exactly one of 'inputs' (nested arrays) and 'tensor' (base64).")]);
        if (request.Inputs is { } nested)
            return new Batch(nested.Tensor, QueryOptions.Of(request), "inputs", IsMapped: false);
        Outcome<TensorPayload> decoded = request.Tensor!.Decode();
        if (!decoded.Succeeded)
            return decoded.Failure;
        InputSchema schema = model.Descriptor!.Input;
        bool isLevels = request.Tensor.Dtype == TensorDtype.Uint8 && schema.Kind == InputKind.Image;
        return new Batch(isLevels ? InputShape.FromLevels(decoded.Value, schema) : decoded.Value, QueryOptions.Of(request), "tensor", isLevels);
    }
}
