using System.Text.Json.Nodes;
using EbmService.Core.Jobs;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Interpolation;

/// <summary>What the files say of paths whose barriers are known.</summary>
public sealed class InterpolationTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public InterpolationTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("straight", "")]
    [InlineData("elasticBand", """, "steps": 1, "stepSize": 1e-9, "climb": false""")]
    public async Task Barrier_BetweenThePoints_IsFound(string method, string more)
    {
        // E = 2 (x^2 - 1)^2 along y = 1: the barrier of 2 lies at x = 0, and of four points the middle ones lie at +-1/3 with E = 2 (8/9)^2 = 1.58.
        JsonNode path = await SummaryAsync($$"""{"from": {"data": [[-1, 1]]}, "to": {"data": [[1, 1]]}, "points": 4, "method": "{{method}}"{{more}}}""");

        Assert.Equal(2, (double)path["barrier"]!, 1e-5);
        Assert.Equal(2, (double)path["straightBarrier"]!, 1e-5);
    }

    private async Task<JsonNode> SummaryAsync(string spec)
    {
        JobDefinition job = (await _host.AcceptAsync("interpolation", "wells", spec)).OrThrow();
        var files = new ResultFiles();
        Assert.Null(_host.Types.Assemble(
            job, [.. _host.Types.Plan(job.Spec).Blocks.Select(block => new BlockResult(block, Run(job, block)))], StopReason.Completed, files));
        return JsonNode.Parse(files.All.Single(file => file.Name == "interpolation.json").Content)!["summaries"]![0]!;
    }

    private byte[] Run(JobDefinition job, BlockPlan block)
    {
        using IWorkload workload = _host.Workloads.Open(job, block);
        while (!workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Done)
        {
            // Until it is done.
        }
        return workload.Finish();
    }
}
