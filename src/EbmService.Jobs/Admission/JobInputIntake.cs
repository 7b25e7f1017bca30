using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>Stores the files that a new job starts from: those that came with it, and copies of other jobs' results.</summary>
internal sealed class JobInputIntake(JobLookup lookup, JobInputs inputs)
{
    private const string Field = "spec.startJob";

    /// <exception cref="FailureException">The source is unknown, has not ended, or has no such result.</exception>
    public async Task TakeAsync(string jobId, IReadOnlyList<JobInput> wanted, IReadOnlyDictionary<string, byte[]> attachments)
    {
        foreach (JobInput input in wanted)
        {
            if (attachments.TryGetValue(input.Name, out byte[]? content))
            {
                inputs.Attach(jobId, input, content);
                continue;
            }
            if (await WhyNotAsync(input) is { } reason)
                throw new FailureException(Failure.OfFields([new FieldError(Field, reason)]));
            if (!inputs.TryTake(jobId, input))
                throw new FailureException(Failure.OfFields([new FieldError(Field, $"The result '{input.Result}' of job {input.FromJob} is missing or damaged.")]));
        }
    }

    private async Task<string?> WhyNotAsync(JobInput input)
    {
        if (!JobFolders.IsValidId(input.FromJob!) || (await lookup.FindAsync(input.FromJob!, CancellationToken.None)).Value is not { } source)
            return $"There is no job {input.FromJob}.";
        if (!source.Status.IsTerminal())
            return $"Job {input.FromJob} has not ended yet: its result '{input.Result}' comes with its end.";
        if (source.Results.FirstOrDefault(result => result.Name == input.Result) is not { } found)
            return $"Job {input.FromJob} has no result '{input.Result}'.";
        return string.Equals(found.Sha256, input.Sha256, StringComparison.OrdinalIgnoreCase) ? null
            : $"The result '{input.Result}' of job {input.FromJob} is not the one whose hash was given.";
    }
}
