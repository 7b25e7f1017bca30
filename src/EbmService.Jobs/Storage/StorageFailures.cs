using EbmService.Core.Failures;

namespace EbmService.Jobs.Storage;

/// <summary>What clients are told when the disk refuses.</summary>
internal static class StorageFailures
{
    public static Failure OfJob { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so the job's chains and results could not be kept.",
        "Ask the operator to make room on the server's disk, then submit the job again: the same seed gives the same result.");

    public static Failure OfRequest { get; } = new(FailureCode.StorageFailed,
        "The server's disk is full or can't be written, so the job could not be stored.",
        "Ask the operator to make room on the server's disk, then submit the job again.");
}
