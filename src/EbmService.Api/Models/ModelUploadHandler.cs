using EbmService.Api.Inputs;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Models;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Models;

/// <summary>
/// Takes the form of PUT /v1/models/{model}/versions/{version}: <c>descriptor</c> (model.json), <c>weights</c>, <c>buffer</c> and
/// <c>calibration</c> (safetensors). Files that hold code, archives and addresses have no place in it. One upload at a time, as each is
/// held in memory.
/// </summary>
internal sealed class ModelUploadHandler(IOptions<ModelsOptions> options, IModelLoader loader) : IDisposable
{
    internal const string MediaType = "multipart/form-data";
    private const int MaxBoundary = 128;
    private const string TooLarge = "The operator raises Models:MaxUploadBytes, or copies the version into the model repository.";

    internal static IReadOnlyList<string> Parts { get; } = ["descriptor", "weights", "buffer", "calibration"];

    private readonly SemaphoreSlim _one = new(1);

    public void Dispose() => _one.Dispose();

    /// <returns>The version as it is served, or why it was refused.</returns>
    internal async Task<Outcome<HostedModel>> AddAsync(ModelKey key, HttpRequest request)
    {
        if (!options.Value.AllowUpload)
        {
            return new Failure(FailureCode.NotAllowed, "This server takes no models by upload.",
                "The operator sets Models:AllowUpload to true, or copies the version into the model repository.");
        }
        if (!_one.Wait(0))
            return new Failure(FailureCode.QueueFull, "Another upload is under way.", "Send it again when that one has been answered.");
        try
        {
            Outcome<ModelUpload> upload = await ReadAsync(key, request);
            if (!upload.Succeeded)
                return upload.Failure;
            // Off the request's thread: what is on the disk is waited for.
            return await Task.Run(() => loader.Add(upload.Value), request.HttpContext.RequestAborted);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<Outcome<ModelUpload>> ReadAsync(ModelKey key, HttpRequest request)
    {
        bool isForm = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            && type.MediaType.Equals(MediaType, StringComparison.OrdinalIgnoreCase);
        if (!isForm)
            return MediaTypes.Unsupported(request.ContentType ?? "", MediaType);
        string? boundary = HeaderUtilities.RemoveQuotes(type!.Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundary)
            return Refuse("body", "multipart/form-data needs a boundary; HTTP clients set it themselves when the header is left to them.");
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, options.Value.MaxUploadBytes);
        if (!body.Succeeded)
            return body.Failure with { Remedy = body.Failure.Code == FailureCode.BodyTooLarge ? TooLarge : body.Failure.Remedy };
        try
        {
            var reader = new MultipartReader(boundary, new MemoryStream(body.Value));
            Outcome<Dictionary<string, ReadOnlyMemory<byte>>> parts = await ReadPartsAsync(reader);
            return parts.Succeeded ? Create(key, parts.Value) : parts.Failure;
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException)
        {
            return Refuse("body", "The multipart body is broken: a boundary or a header is missing.");
        }
    }

    private static ModelUpload Create(ModelKey key, Dictionary<string, ReadOnlyMemory<byte>> parts)
    {
        return new ModelUpload(key, Part("descriptor"), Part("weights"), Part("buffer"), Part("calibration"));

        // A plain null would become empty bytes.
        ReadOnlyMemory<byte>? Part(string name) =>
            parts.TryGetValue(name, out ReadOnlyMemory<byte> content) ? content : default(ReadOnlyMemory<byte>?);
    }

    private static async Task<Outcome<Dictionary<string, ReadOnlyMemory<byte>>>> ReadPartsAsync(MultipartReader reader)
    {
        var parts = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        while (await reader.ReadNextSectionAsync() is { } section)
        {
            string name = HeaderUtilities.RemoveQuotes(section.GetContentDispositionHeader()?.Name ?? "").Value ?? "";
            if (!Parts.Contains(name))
            {
                return Refuse(name.Length == 0 ? "body" : name,
                    $"A version is uploaded as {string.Join(", ", Parts)}; nothing else is read.");
            }
            using var content = new MemoryStream();
            await section.Body.CopyToAsync(content);
            ReadOnlyMemory<byte> bytes = content.GetBuffer().AsMemory(0, (int)content.Length);
            if (ForbiddenFormat(bytes.Span) is { } format)
            {
                return Refuse(name,
                    $"This is {format}, which is never taken by upload: it can hold code. Convert the weights to safetensors.");
            }
            if (!parts.TryAdd(name, bytes))
                return Refuse(name, "The part comes twice.");
        }
        return parts;
    }

    /// <summary>Only for the message: what is read as safetensors or JSON could not be one of these.</summary>
    private static string? ForbiddenFormat(ReadOnlySpan<byte> content) => content switch
    {
        [(byte)'P', (byte)'K', 3, 4, ..] => "an archive, as torch.save and TorchScript write them",
        // Eight bytes of a header's length would end in zeros.
        [0x80, >= 2 and <= 5, _, _, _, _, _, _, ..] when content[4..8].ContainsAnyExcept((byte)0) => "a Python pickle",
        _ => null,
    };

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}
