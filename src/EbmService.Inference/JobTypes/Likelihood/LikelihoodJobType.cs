using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Likelihood;
using EbmService.Inference.Annealing;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>The job type <c>likelihood</c>: chains between a known distribution and the model, both ways, and rows to score, in blocks.</summary>
internal sealed class LikelihoodJobType(Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IJobInputs inputs) : IJobType
{
    public JobTypeDescription Description => LikelihoodJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        LikelihoodAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec) => LikelihoodPlan.Create((LikelihoodSpec)spec);

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (LikelihoodSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        var rows = new LikelihoodRows(inputs, job, spec, model, device.Value.Handle);
        return LikelihoodPlan.PartOf(spec, block).Part == LikelihoodPart.Rows
            ? new RowsWorkload(spec, block, rows, checkpoint)
            : new AnnealingWorkload(spec, block, model, device.Value.Handle, rows, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        var spec = (LikelihoodSpec)job.Spec;
        new LikelihoodResults(job, spec, blocks).Write(stopped, info.Info, files);
        return null;
    }

    public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live)
    {
        var spec = (LikelihoodSpec)job.Spec;
        var metrics = new Dictionary<string, double>();
        double alpha = (1 - spec.Confidence) / 2;
        foreach (LikelihoodPart part in new[] { LikelihoodPart.Forward, LikelihoodPart.Reverse })
        {
            bool isForward = part == LikelihoodPart.Forward;
            (double LogZOfBase, double[] Logs)[] ended =
                [.. blocks.Where(block => LikelihoodPlan.PartOf(spec, block.Block).Part == part).Select(block => ReadWeights(block.Content.Span))];
            double[] logs = [.. ended.SelectMany(one => one.Logs)];
            if (logs.Length == 0 || logs.Any(double.IsNaN))
                continue;
            double bound = LogWeightStatistics.LowerBound(logs, alpha);
            metrics[isForward ? LikelihoodJob.LogZLower : LikelihoodJob.LogZUpper] = ended[0].LogZOfBase + (isForward ? bound : -bound);
            metrics[isForward ? LikelihoodJob.ForwardEss : LikelihoodJob.ReverseEss] = LogWeightStatistics.Of(logs).EffectiveSize;
        }
        return new JobStatistics(metrics);
    }

    /// <summary>A block's statistics as the engine carries them: log Z of the base, then the log weights.</summary>
    internal static byte[] WriteWeights(double logZOfBase, double[] logs)
    {
        var bytes = new byte[sizeof(double) * (1 + logs.Length)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, logZOfBase);
        MemoryMarshal.AsBytes(logs.AsSpan()).CopyTo(bytes.AsSpan(sizeof(double)));
        return bytes;
    }

    private static (double LogZOfBase, double[] Logs) ReadWeights(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<double> numbers = MemoryMarshal.Cast<byte, double>(bytes);
        return (numbers[0], numbers[1..].ToArray());
    }
}
