namespace EbmService.Jobs.Storage;

/// <summary>A client's Idempotency-Key and the job it made; lives as long as the job.</summary>
internal sealed class IdempotencyRow
{
    public required string Key { get; set; }

    public required string JobId { get; set; }

    public string? Fingerprint { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
