using System.Text;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Inputs;

/// <summary>A multipart/form-data body whose file parts are PNG pictures, one input each.</summary>
internal static class PngInputReader
{
    private const int MaxBoundary = 128;

    internal static async Task<Outcome<TensorPayload>> ReadAsync(
        byte[] body, string contentType, HostedModel model, IImageCodec codec, int maxBatch)
    {
        InputSchema schema = model.Descriptor!.Input;
        if (schema.Kind != InputKind.Image)
            return Refuse("files", $"'{model.Key.Name}' takes vectors, not pictures: send JSON or .npy.");
        string? boundary = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(contentType).Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundary)
            return Refuse("body", "multipart/form-data needs a boundary; HTTP clients set it themselves when the header is left to them.");
        try
        {
            return await ReadPartsAsync(new MultipartReader(boundary, new MemoryStream(body)), schema, codec, maxBatch);
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException or DecoderFallbackException)
        {
            return Refuse("body", "The multipart body is broken: a boundary or a header is missing.");
        }
    }

    private static async Task<Outcome<TensorPayload>> ReadPartsAsync(
        MultipartReader reader, InputSchema schema, IImageCodec codec, int maxBatch)
    {
        var pictures = new List<float[]>();
        var errors = new List<FieldError>();
        while (await reader.ReadNextSectionAsync() is { } section)
        {
            string field = $"files[{pictures.Count + errors.Count}]";
            if (section.GetContentDispositionHeader()?.IsFileDisposition() != true)
                return Refuse(section.AsFormDataSection()?.Name ?? field,
                    "Only files are read from a form: put options into the query string.");
            if (pictures.Count == maxBatch)
                return Failure.OfFields([new FieldError(
                    "files", $"More than {maxBatch} pictures are over this server's limit: send them in several requests.",
                    FailureCode.OverPolicy)]);
            using var content = new MemoryStream();
            await section.Body.CopyToAsync(content);
            Outcome<TensorPayload> picture = codec.Decode(content.GetBuffer().AsSpan(0, (int)content.Length), schema);
            if (picture.Succeeded)
                pictures.Add(picture.Value.Values);
            else
                errors.Add(new FieldError(field, Sentence(picture.Failure), picture.Failure.Code));
        }
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        return pictures.Count == 0
            ? Refuse("files", "There is no file in the form: add one PNG per input, for example curl -F files=@digit.png.")
            : new TensorPayload([pictures.Count, .. schema.Shape], [.. pictures.SelectMany(values => values)]);
    }

    private static string Sentence(Failure failure) =>
        failure.Remedy is null ? failure.Message : $"{failure.Message}: {failure.Remedy}";

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}
