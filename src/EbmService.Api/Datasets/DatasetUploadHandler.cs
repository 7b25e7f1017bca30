using EbmService.Api.Inputs;
using EbmService.Api.Security;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Datasets;

/// <summary>
/// Takes an upload: the body as one file, or a form of <c>rows</c> and <c>labels</c>. It goes to the disk as it comes, so memory does not grow with
/// it; few are read at the same time, as that takes a processor.
/// </summary>
internal sealed class DatasetUploadHandler(IOptions<DatasetOptions> options, IDatasetService all, ITenantStorage storage) : IDisposable
{
    private const string Form = "multipart/form-data";
    private const int MaxBoundary = 128;
    private const int AtOnce = 2;

    private readonly SemaphoreSlim _reading = new(AtOnce);

    internal static IReadOnlyList<string> Parts { get; } = ["rows", "labels"];

    public void Dispose() => _reading.Dispose();

    /// <returns>The dataset and whether it is new, or why it was refused.</returns>
    internal async Task<Outcome<(Dataset Dataset, bool IsNew)>> AddAsync(string name, HttpRequest request)
    {
        string tenant = Caller.TenantOf(request.HttpContext.User) ?? JobSnapshot.DefaultTenant;
        IDatasetService datasets = all.OfTenant(tenant);
        // First, so that what is kept in between counts twice rather than not at all.
        long taken = datasets.List().Sum(dataset => dataset.Bytes);
        // Before the body: what has no room need not come.
        long? left = await storage.LeftAsync(tenant, request.HttpContext.RequestAborted);
        if (left == 0)
        {
            return new Failure(FailureCode.QuotaExceeded, "The tenant's quota of stored bytes is used up.",
                "Delete datasets, or jobs that have ended; the operator raises Quotas.");
        }
        try
        {
            await using FileStream rows = datasets.Stage(), labels = datasets.Stage();
            long limit = options.Value.MaxUploadBytes;
            Outcome<bool> received = await BodyReader.ReadAsync(request, limit, () => ReceiveAsync(request, rows, labels));
            if (!received.Succeeded)
            {
                return received.Failure.Code != FailureCode.BodyTooLarge ? received.Failure
                    : received.Failure with { Remedy = "Send the rows in several datasets; the operator raises Datasets:MaxUploadBytes." };
            }
            await _reading.WaitAsync(request.HttpContext.RequestAborted);
            try
            {
                return await Task.Run(() => datasets.Add(name, rows, labels.Length > 0 ? labels : null, left + taken));
            }
            finally
            {
                _reading.Release();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not BadHttpRequestException)
        {
            return new Failure(FailureCode.StorageFailed, "The upload could not be written to the disk.");
        }
    }

    /// <summary>Writes the body to the files.</summary>
    private async Task<Outcome<bool>> ReceiveAsync(HttpRequest request, FileStream rows, FileStream labels)
    {
        bool isForm = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            && type.MediaType.Equals(Form, StringComparison.OrdinalIgnoreCase);
        if (!isForm)
        {
            if (type?.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase) is true)
                return MediaTypes.Unsupported(request.ContentType ?? "", "application/octet-stream", Form);
            return await CopyAsync(request, request.Body, rows, options.Value.MaxUploadBytes);
        }
        string? boundary = HeaderUtilities.RemoveQuotes(type!.Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundary)
            return Refuse("body", "multipart/form-data needs a boundary; HTTP clients set it themselves when the header is left to them.");
        try
        {
            return await ReceiveFormAsync(request, new MultipartReader(boundary, request.Body), rows, labels);
        }
        catch (InvalidDataException)
        {
            return Refuse("body", "The multipart body is broken: a boundary or a header is missing.");
        }
        catch (IOException broken) when (broken is not BadHttpRequestException && broken.Message.Contains("Unexpected end of Stream", StringComparison.Ordinal))
        {
            return Refuse("body", "The multipart body is broken: it ends before its last boundary.");
        }
    }

    private async Task<Outcome<bool>> ReceiveFormAsync(HttpRequest request, MultipartReader reader, FileStream rows, FileStream labels)
    {
        long left = options.Value.MaxUploadBytes;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadNextSectionAsync(request.HttpContext.RequestAborted) is { } section)
        {
            string name = HeaderUtilities.RemoveQuotes(section.GetContentDispositionHeader()?.Name ?? "").Value ?? "";
            if (!Parts.Contains(name))
                return Refuse(name.Length == 0 ? "body" : name, $"A dataset is uploaded as {string.Join(" and ", Parts)}; nothing else is read.");
            if (!seen.Add(name))
                return Refuse(name, "The part comes twice.");
            FileStream to = name == Parts[0] ? rows : labels;
            Outcome<bool> copied = await CopyAsync(request, section.Body, to, left);
            if (!copied.Succeeded)
                return copied;
            left -= to.Length;
        }
        return seen.Contains(Parts[0]) ? true : Refuse("rows", "The form has no part 'rows'.");
    }

    private async Task<Outcome<bool>> CopyAsync(HttpRequest request, Stream from, FileStream to, long left)
    {
        var buffer = new byte[1 << 17];
        for (int read; (read = await from.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0;)
        {
            if (to.Length + read > left)
                return BodyReader.TooLarge(options.Value.MaxUploadBytes);
            await to.WriteAsync(buffer.AsMemory(0, read));
        }
        await to.FlushAsync();
        return true;
    }

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}
