using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Json;

namespace EbmService.Jobs.Storage;

/// <summary>A block's last report as a file: a document's length, the document, then the statistics as their type wrote them.</summary>
internal static class BlockReportFile
{
    private static readonly JsonSerializerOptions Json =
        new(EbmJson.Options) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static byte[] Write(StepReport report)
    {
        byte[] document = JsonSerializer.SerializeToUtf8Bytes(
            new Document(report.Step, report.Done, report.Metrics, report.Statistics is not null), Json);
        return [.. BitConverter.GetBytes(document.Length), .. document, .. report.Statistics ?? []];
    }

    /// <exception cref="InvalidDataException">The bytes are not a report.</exception>
    public static StepReport Read(byte[] content)
    {
        try
        {
            int length = BitConverter.ToInt32(content);
            Document document = JsonSerializer.Deserialize<Document>(content.AsSpan(sizeof(int), length), Json)!;
            return new StepReport(document.Step, document.Done)
            {
                Metrics = document.Metrics,
                Statistics = document.HasStatistics ? content[(sizeof(int) + length)..] : null,
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException("a stored report is damaged", e);
        }
    }

    private sealed record Document(int Step, bool Done, IReadOnlyDictionary<string, double> Metrics, bool HasStatistics);
}
