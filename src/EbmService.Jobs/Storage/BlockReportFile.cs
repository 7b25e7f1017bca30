using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Json;

namespace EbmService.Jobs.Storage;

/// <summary>A block's last report as a file: a document's length, the document, then the draws as little-endian floats.</summary>
internal static class BlockReportFile
{
    private static readonly JsonSerializerOptions Json =
        new(EbmJson.Options) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static byte[] Write(StepReport report)
    {
        ChainSeries? series = report.Series;
        byte[] document = JsonSerializer.SerializeToUtf8Bytes(
            report with { Preview = null, Series = series is null ? null : series with { Values = [] } }, Json);
        return [.. BitConverter.GetBytes(document.Length), .. document, .. MemoryMarshal.AsBytes<float>(series?.Values ?? [])];
    }

    /// <exception cref="InvalidDataException">The bytes are not a report.</exception>
    public static StepReport Read(byte[] content)
    {
        try
        {
            int length = BitConverter.ToInt32(content);
            StepReport report = JsonSerializer.Deserialize<StepReport>(content.AsSpan(sizeof(int), length), Json)!;
            float[] values = MemoryMarshal.Cast<byte, float>(content.AsSpan(sizeof(int) + length)).ToArray();
            return report.Series is { } series ? report with { Series = series with { Values = values } } : report;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException("a stored report is damaged", e);
        }
    }
}
