using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Json;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Results of jobs: <c>results/{name}</c>, and until those are made the archive <c>blocks/finished</c> with each finished block's
/// result and last report. Thread-safe.
/// </summary>
internal sealed class ResultStore(JobFolders folders, JobDisk disk, BlockArchive archive)
{
    private const int MaxSound = 10_000;

    /// <summary>When each file was last written whose bytes were found to be those of its entry.</summary>
    private readonly ConcurrentDictionary<string, DateTime> _sound = new(StringComparer.Ordinal);

    /// <summary>Stores the files as they are made; an earlier set of the job is replaced.</summary>
    public IReadOnlyList<ResultEntry> WriteResults(string id, Action<IResultWriter> make)
    {
        var writer = new Writer(name => folders.File(id, JobFolders.Results, name), disk);
        make(writer);
        return writer.Entries;
    }

    /// <summary>
    /// Opens a stored file; null when it is missing or not what was written. Read whole to be sure when it is first
    /// opened or has been touched since.
    /// </summary>
    public async Task<Stream?> OpenResultAsync(string id, ResultEntry entry, CancellationToken cancellationToken)
    {
        string path = folders.File(id, JobFolders.Results, entry.Name);
        if (!File.Exists(path))
            return null;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            if (stream.Length == entry.Size && await IsSoundAsync(path, stream, entry.Sha256, cancellationToken))
                return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
        await stream.DisposeAsync();
        return null;
    }

    private async Task<bool> IsSoundAsync(string path, FileStream stream, string sha256, CancellationToken cancellationToken)
    {
        DateTime written = File.GetLastWriteTimeUtc(path);
        if (_sound.TryGetValue(path, out DateTime known) && known == written)
            return true;
        byte[] hash = await SHA256.HashDataAsync(stream, cancellationToken);
        stream.Position = 0;
        if (!string.Equals(Convert.ToHexStringLower(hash), sha256, StringComparison.OrdinalIgnoreCase))
            return false;
        if (_sound.Count >= MaxSound)
            _sound.Clear();
        _sound[path] = written;
        return true;
    }

    /// <summary>Stores what blocks left, all in one write.</summary>
    /// <returns>What the database is to know of each.</returns>
    public IReadOnlyList<CompletedBlock> WriteBlocks(string id, int epoch, IReadOnlyList<FinishedBlock> blocks)
    {
        string[] hashes = archive.Append(ArchiveOf(id), [.. blocks.SelectMany(block => new ArchiveEntry[]
        {
            new(block.Index, ArchivePart.Report, epoch, block.Report.Step, BlockReportFile.Write(block.Report)),
            new(block.Index, ArchivePart.Result, epoch, block.Report.Step, block.Result),
        })]);
        return [.. blocks.Select((block, i) => new CompletedBlock(block.Index, block.Report.Step, hashes[2 * i + 1]))];
    }

    /// <summary>Looks whether a block's bytes are those that were written; they are then read one block at a time.</summary>
    /// <param name="sha256">As <see cref="WriteBlocks"/> returned it.</param>
    /// <exception cref="InvalidDataException">They are missing or others.</exception>
    public void CheckBlock(string id, int index, string sha256) => _ = ReadResult(id, index, sha256);

    /// <exception cref="InvalidDataException">The bytes are missing or damaged.</exception>
    public byte[] ReadBlock(string id, int index) => ReadResult(id, index, sha256: null);

    private byte[] ReadResult(string id, int index, string? sha256)
    {
        try
        {
            return archive.Read(ArchiveOf(id), index, ArchivePart.Result, sha256)
                ?? throw new InvalidDataException("a stored block result is missing");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException("a stored block result can't be read", e);
        }
    }

    /// <summary>What the block said when it was done; null where that can't be read, which costs statistics only.</summary>
    public StepReport? ReadReport(string id, int index)
    {
        try
        {
            return archive.Read(ArchiveOf(id), index, ArchivePart.Report) is { } content ? BlockReportFile.Read(content) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Removes what blocks left; the job's results are made.</summary>
    public void DeleteBlocks(string id)
    {
        Forget(id);
        folders.Delete(id, JobFolders.Blocks);
    }

    /// <summary>Keeps nothing in memory of what a job's blocks left.</summary>
    public void Forget(string id) => archive.Forget(ArchiveOf(id));

    private string ArchiveOf(string id) => folders.File(id, JobFolders.Blocks, BlockArchive.FileName);

    private sealed class Writer(Func<string, string> pathOf, JobDisk disk) : IResultWriter
    {
        public List<ResultEntry> Entries { get; } = [];

        public void Write(string name, string mediaType, Action<Stream> write)
        {
            (long length, string sha256) = disk.Write(pathOf(name), write);
            Entries.Add(new ResultEntry(name, mediaType, length, sha256));
        }
    }
}

/// <summary>What a block left when it was done.</summary>
/// <param name="Index">Of the block.</param>
/// <param name="Report">Its last report, with its statistics.</param>
/// <param name="Result">Bytes of <see cref="IWorkload.Finish"/>.</param>
/// <param name="Checkpoint">Bytes of <see cref="IWorkload.Save"/>, where the job may be extended.</param>
internal sealed record FinishedBlock(int Index, StepReport Report, byte[] Result, byte[]? Checkpoint);

/// <summary>A stored result, as the database knows it.</summary>
/// <param name="Index">Of the block.</param>
/// <param name="Step">Where the block ended.</param>
/// <param name="Sha256">Of the stored result's record, 64 hex digits.</param>
internal readonly record struct CompletedBlock(int Index, int Step, string Sha256);

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
