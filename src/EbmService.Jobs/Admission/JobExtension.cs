using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Retention;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>Makes a new job that goes on from the last state of one that has succeeded (docs/adr/0007).</summary>
internal sealed class JobExtension(JobLookup lookup, JobAdmission admission, JobStore store, CheckpointStore checkpoints, BlockLogs logs, JobInputs inputs, JobFiles files, JobPins pins)
{
    /// <summary>Checkpoints are copied in portions of about so many bytes, and of at most so many blocks.</summary>
    private const long CopiedAtOnce = 32 * 1024 * 1024;
    private const int MaxCopiedAtOnce = 1000;

    private const string Remedy = "Submit a new job with all the steps.";

    /// <returns>The new job's id.</returns>
    public async Task<Outcome<string>> ExtendAsync(string id, int steps, CancellationToken cancellationToken)
    {
        if (steps < 1)
            return Failure.OfFields([new("steps", "Steps to add are a number from 1.")]);
        using IDisposable? pin = pins.TryPin(id);
        Outcome<JobSnapshot> found = pin is null ? JobLookup.NotFound : await lookup.FindAsync(id, cancellationToken);
        if (!found.Succeeded)
            return found.Failure;
        JobSnapshot parent = found.Value;
        if (!parent.IsExtendable())
            return NotExtendable(parent);
        Outcome<JobSpec> spec = SpecOf(parent, steps);
        if (!spec.Succeeded)
            return spec.Failure;
        if (await store.FindWithBlocksAsync(id, cancellationToken) is not { } row)
            return JobLookup.NotFound;
        int at = row.Blocks.Max(block => block.Step);
        try
        {
            if (row.Blocks.Any(block => block.Step != at || checkpoints.Peek(id, block.Index)?.Step != at))
                return CheckpointsGone();
            return await admission.AdmitAsync(DraftOf(parent, spec.Value, row, at, steps));
        }
        finally
        {
            files.Forget(id);
        }
    }

    private JobDraft DraftOf(JobSnapshot parent, JobSpec spec, JobRow row, int at, int steps)
    {
        var submission = new JobSubmission(parent.Models, spec)
        {
            Priority = parent.Priority, Tags = parent.Tags, Tenant = parent.Tenant, Keep = parent.Keep, Footprint = FootprintOf(parent, at, steps),
        };
        JobPlan plan = new([.. JobRowMapper.ToPlan(row).Blocks.Select(block => block with { Steps = at + steps })]);
        return new JobDraft(submission, plan)
        {
            Extends = parent.Id,
            StartStep = at,
            PrepareAsync = child =>
            {
                CopyCheckpoints(parent.Id, child, plan, at);
                logs.CopyAll(parent.Id, child);
                inputs.CopyAll(parent.Id, child, spec.Inputs);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>What the parent left grows with the steps.</summary>
    private static JobFootprint FootprintOf(JobSnapshot parent, int at, int steps) =>
        new(0, 0)
    {
        StreamedBytes = parent.Results.Sum(result => (double)result.Size) * ((double)at + steps) / Math.Max(1, at), ResultField = "steps",
    };

    private void CopyCheckpoints(string parent, string child, JobPlan plan, int at)
    {
        List<(int Block, int Step, byte[] Checkpoint)> read = [];
        foreach (BlockPlan block in plan.Blocks)
        {
            if (checkpoints.Read(parent, block.Index) is not { } checkpoint || checkpoint.Step != at)
                throw new FailureException(CheckpointsGone());
            read.Add((block.Index, at, checkpoint.Content));
            if (block.Index < plan.Blocks.Count - 1 && read.Sum(each => (long)each.Checkpoint.Length) < CopiedAtOnce
                && read.Count < MaxCopiedAtOnce)
                continue;
            checkpoints.WriteFinished(child, epoch: 0, read);
            read.Clear();
        }
    }

    private static Outcome<JobSpec> SpecOf(JobSnapshot parent, int steps)
    {
        try
        {
            return parent.SpecDone().Extended(steps) is { } spec ? spec
                : new Failure(FailureCode.InvalidTransition, $"Work of type {parent.Spec.Type} has no steps to add.");
        }
        catch (OverflowException)
        {
            return Failure.OfFields([new("steps", "That would be more steps than a job can count.")]);
        }
    }

    private static Failure NotExtendable(JobSnapshot job) => job switch
    {
        { Status: JobStatus.Succeeded } => new(FailureCode.InvalidTransition,
            "The job stopped at its deadline, its blocks at different steps: it can't be extended.", Remedy),
        { Status: JobStatus.Failed or JobStatus.Cancelled } => new(FailureCode.InvalidTransition,
            $"The job has {JobLookup.Word(job.Status)}: only one that has succeeded can be extended.", Remedy),
        _ => new(FailureCode.InvalidTransition,
            $"The job is {JobLookup.Word(job.Status)}: only one that has succeeded can be extended.", "Wait for its end."),
    };

    private static Failure CheckpointsGone() =>
        new(FailureCode.InvalidTransition, "The job's last checkpoints are not kept, or are damaged: it can't be extended.", Remedy);
}
