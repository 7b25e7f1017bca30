using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

/// <summary>Chains that start from another job's samples. The host gives no block the whole file.</summary>
public sealed class SamplingStartTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public SamplingStartTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Open_StartFromAJob_DealsItsRowsToTheChainsOfTheJob()
    {
        JobDefinition job = await JobAsync(new TensorPayload([3, 2], [1, -1, 2, -2, 3, -3]));

        float[][] states = [.. _host.Types.Plan(job.Spec).Blocks.Select(block => StatesOf(job, block))];

        Assert.Equal([1, -1, 2, -2, 3, -3, 1, -1], states[0]);
        Assert.Equal([2, -2, 3, -3, 1, -1], states[1]);
    }

    [Fact]
    public async Task Open_StartFileOfAnotherShape_SaysSo()
    {
        JobDefinition job = await JobAsync(new TensorPayload([3, 3], new float[9]));

        FailureException refused = Assert.Throws<FailureException>(() => _host.Workloads.Open(job, _host.Types.Plan(job.Spec).Blocks[0]));

        Assert.Equal(FailureCode.InvalidRequest, refused.Failure.Code);
    }

    /// <summary>Seven chains in blocks of four that stay where they start.</summary>
    private async Task<JobDefinition> JobAsync(TensorPayload start)
    {
        _host.Attach(SamplingSpec.StartFile, NpyFormat.Write(start));
        const string Request = """{"chains": 7, "blockSize": 4, "steps": 1, "stepSize": 1e-6, "noise": 0, "kernel": "sgld"}""";
        JobDefinition job = (await _host.AcceptAsync("sampling", "gaussian", Request)).OrThrow();
        var spec = (SamplingSpec)job.Spec;
        return job with { Spec = spec with { Start = ChainStart.Job, StartJob = new StartJob("j", new string('0', 64)) } };
    }

    private float[] StatesOf(JobDefinition job, BlockPlan block)
    {
        using IWorkload workload = _host.Workloads.Open(job, block);
        workload.Advance(JobTypeHost.Budget(TimeSpan.Zero));
        return [.. SafetensorsFile.Read(workload.Finish())["states"].ToFloats().Select(value => MathF.Round(value))];
    }
}
