using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;

namespace EbmService.Cli.Sampling;

/// <summary>Where chains go on from here: the folders of earlier results, named by their paths, take the place of the service's jobs.</summary>
/// <param name="model">A folder does not say what it is a result of; only its shape is compared.</param>
internal sealed class StartPoints(HostedModel model) : IJobResults
{
    private const string Samples = "samples.npy";

    /// <summary>A folder of results becomes the start job, a file of points the start data.</summary>
    public static SamplingRequest From(string path, SamplingRequest request) => Directory.Exists(path)
        ? Resolve(request with { Start = ChainStart.Job, StartJob = new StartJob(path), Data = null })
        : request with
        {
            // Chains without a clamp leave the model's range, and their states are a start like any other.
            Start = ChainStart.Data, Data = ReadPoints(path), StartJob = null, OutOfRange = request.OutOfRange ?? OutOfRange.Allow,
        };

    /// <summary>Fills in the digest of the start job's samples.</summary>
    public static SamplingRequest Resolve(SamplingRequest request)
    {
        if (request.StartJob is not { } job)
            return request;
        string sha256 = HashOf(File.ReadAllBytes(FileOf(job.Id)));
        if (job.Sha256 is { } expected && !string.Equals(expected, sha256, StringComparison.OrdinalIgnoreCase))
            throw CliException.BadInput($"the samples in '{job.Id}' are not those that the spec starts from: their SHA-256 is {sha256}");
        return request with { StartJob = job with { Sha256 = sha256 } };
    }

    /// <summary>The files that a job of these inputs starts from, by name.</summary>
    /// <exception cref="FailureException">One is not the file that was accepted.</exception>
    public static Dictionary<string, byte[]> Read(IReadOnlyList<JobInput> inputs) => inputs.ToDictionary(input => input.Name, input =>
    {
        byte[] bytes = File.ReadAllBytes(FileOf(input.FromJob!));
        return HashOf(bytes) == input.Sha256
            ? bytes
            : throw new FailureException(new Failure(FailureCode.StorageFailed, $"The samples in '{input.FromJob}' changed meanwhile."));
    });

    public Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken)
    {
        byte[] samples = File.ReadAllBytes(FileOf(id));
        return Task.FromResult<Outcome<JobSnapshot>>(new JobSnapshot
        {
            Id = id,
            Status = JobStatus.Succeeded,
            Models = JobModel.Only(model.Reference()),
            Spec = new UnreadableSpec(SamplingJob.Name),
            Progress = new JobProgress(),
            CreatedAt = default,
            Results = [new ResultEntry(Samples, NpyFormat.MediaType, samples.Length, HashOf(samples))],
        });
    }

    public async Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken) =>
        new JobResult(
            (await FindAsync(id, cancellationToken)).OrThrow().Results.Single(entry => entry.Name == name), File.OpenRead(FileOf(id)));

    private static string HashOf(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static string FileOf(string folder) => File.Exists(Path.Combine(folder, Samples))
        ? Path.Combine(folder, Samples)
        : throw CliException.BadInput($"there is no {Samples} in '{folder}': a job starts from the folder of an earlier result");

    private static TensorPayload ReadPoints(string path)
    {
        try
        {
            return NpyFormat.Read(File.ReadAllBytes(path));
        }
        catch (FormatException exception)
        {
            throw CliException.BadInput($"--start-from takes a result folder or a .npy file of points: {exception.Message}", exception);
        }
    }
}
