using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Devices;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>The job type <c>sampling</c>: Markov chains in blocks.</summary>
internal sealed class SamplingJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, Lazy<SamplingResultAssembler> assembler, IImageCodec images, IJobInputs inputs,
    IJobLogs logs, IJobDiagnostician diagnostician) : IJobType
{
    private const string Energy = "energy";

    public JobTypeDescription Description => SamplingJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        SamplingAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec)
    {
        var sampling = (SamplingSpec)spec;
        return JobPlan.Create(sampling.Chains, sampling.BlockSize, _ => sampling.Steps);
    }

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (SamplingSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        // A block that goes on from a checkpoint does not need the states that it started from again.
        float[]? states =
            checkpoint is null && spec.Inputs is [var start] ? ReadStates(job.Id, start, block, model.Descriptor.Input) : null;
        return new SamplingWorkload(job, block, model, device.Value.Handle, images, logs, checkpoint, states);
    }

    /// <summary>A row for each chain of the block: chain i of the job gets row i mod n.</summary>
    private float[] ReadStates(string jobId, JobInput start, BlockPlan block, InputSchema input)
    {
        try
        {
            using Stream file = inputs.Open(jobId, start);
            return start.IsDataset ? RowsReader.ReadInTurn(file, input, block.Offset, block.Count)
                : NpyRows.Read(file, input.Shape, block.Offset, block.Count);
        }
        catch (FormatException broken)
        {
            throw new FailureException(new Failure(
                FailureCode.InvalidRequest, $"The samples of the job to start from can't be used: {broken.Message}.",
                "Start from a job of the same model."));
        }
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        assembler.Value.Assemble(job, blocks, stopped, files);
        return null;
    }

    public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live)
    {
        JobDiagnostics diagnostics = diagnostician.Compute(
            job, [.. blocks.Select(block => new BlockSeries(block.Block, ReadSeries(block.Content.Span)))], live);
        var metrics = new Dictionary<string, double>();
        void Add(string name, double? value)
        {
            if (value is { } known)
                metrics[name] = known;
        }

        Add(SamplingJob.RHat, diagnostics.RHat);
        Add(SamplingJob.EssBulk, diagnostics.EssBulk);
        Add(SamplingJob.EssTail, diagnostics.EssTail);
        Add(SamplingJob.UnmovedChains, diagnostics.Draws < 2 ? null : diagnostics.UnmovedChains);
        Add(SamplingJob.EnergyMcse, diagnostics.Quantities.FirstOrDefault(quantity => quantity.Name == Energy)?.McseMean);
        return new JobStatistics(metrics, live ? null : diagnostician.Judge(job, diagnostics));
    }

    public JobTraceResponse? Trace(JobDefinition job, IReadOnlyList<BlockStatistics> blocks) =>
        SamplingLiveTrace.Create([.. blocks.OrderBy(block => block.Block.Index).Select(block => ReadSeries(block.Content.Span))]);

    public Failure? CheckExtension(JobSpec spec, int steps, IReadOnlyList<HostedModel> models, JobLimits limits) =>
        SamplingSpecFactory.CheckExtension((SamplingSpec)spec, steps, models[0], SamplingPolicy.From(limits));

    /// <summary>A block's draws as the engine carries them: four whole numbers, then the values.</summary>
    internal static byte[] WriteSeries(ChainSeries series)
    {
        var bytes = new byte[4 * sizeof(int) + series.Values.Length * sizeof(float)];
        foreach ((int index, int number) in new[] { series.Chains, series.Interval, series.FirstStep, series.Draws }.Index())
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(index * sizeof(int)), number);
        MemoryMarshal.AsBytes(series.Values.AsSpan()).CopyTo(bytes.AsSpan(4 * sizeof(int)));
        return bytes;
    }

    internal static ChainSeries ReadSeries(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<int> numbers = MemoryMarshal.Cast<byte, int>(bytes[..(4 * sizeof(int))]);
        float[] values = MemoryMarshal.Cast<byte, float>(bytes[(4 * sizeof(int))..]).ToArray();
        return new ChainSeries(numbers[0], numbers[1], numbers[2], numbers[3], ChainSeriesRecorder.Names, values);
    }
}
