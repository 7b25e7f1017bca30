using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes;

/// <summary>What the engine relies on, of every job type.</summary>
public sealed class JobTypeContractTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    // As on a slot: matrix products over more threads are cut otherwise and differ in the last bits.
    public JobTypeContractTests() => set_num_threads(1);

    public static TheoryData<JobTypeCase> All => JobTypeCase.All;

    public void Dispose() => _host.Dispose();

    [Fact]
    public void EveryType_HasACase() => Assert.Equal(
        _host.Types.All.Select(type => type.Description.Name), All.Select(row => row.Data.Type));

    [Theory, MemberData(nameof(All))]
    public async Task Accept_OfTheLeastRequest_FillsInEveryDefault(JobTypeCase one)
    {
        JobDefinition job = await AcceptAsync(one, one.Least.Model, one.Least.Spec);

        JsonObject shown = JsonSerializer.SerializeToNode<JobSpec>(job.Spec, EbmJson.Options)!.AsObject();
        Assert.All(one.Least.Defaults, member => Assert.Equal(member.Value, shown[member.Key]?.ToJsonString()));
        // What is stored says the same again.
        JobSpec again = _host.Types.ReadSpec(one.Type, shown.ToJsonString());
        Assert.Equal(shown.ToJsonString(), JsonSerializer.Serialize(again, EbmJson.Options));
        Assert.Equal(_host.Types.Of(job.Spec).Description.IsExtendable, job.Spec.Extended(0) is not null);
    }

    [Theory, MemberData(nameof(All))]
    public async Task Accept_OfSeveralErrors_ReportsThemTogether(JobTypeCase one)
    {
        Outcome<JobDefinition> refused = await _host.AcceptAsync(one.Type, one.Wrong.Model, one.Wrong.Spec);

        Assert.Empty(one.Wrong.Fields.Except(refused.Failure!.Fields.Select(error => error.Field)));
    }

    [Theory, MemberData(nameof(All))]
    public async Task Plan_Blocks_CoverEveryItemOnce(JobTypeCase one)
    {
        JobDefinition job = await AcceptAsync(one, one.Jobs[0].Model, one.Jobs[0].Spec);
        IReadOnlyList<BlockPlan> blocks = _host.Types.Plan(job.Spec).Blocks;

        Assert.True((blocks.Count > 1 || one.Items == 1) && blocks.All(block => block.Steps > 1), "the case has several blocks of several steps");
        Assert.Equal(Enumerable.Range(0, blocks.Count), blocks.Select(block => block.Index));
        Assert.Equal(Enumerable.Range(0, one.Items), blocks.SelectMany(block => Enumerable.Range(block.Offset, block.Count)));
        Assert.All(blocks, block => Assert.Equal(0, _host.Types.UnitsAt(job.Spec, block, 0)));
        Assert.All(blocks, block => Assert.True(_host.Types.UnitsAt(job.Spec, block, 1) < _host.Types.UnitsAt(job.Spec, block, block.Steps)));
    }

    [Theory, MemberData(nameof(All))]
    public async Task Run_InAnyQuantaAndReopened_GivesTheSameBits(JobTypeCase one)
    {
        foreach ((string model, string spec) in one.Jobs)
        {
            JobDefinition job = await AcceptAsync(one, model, spec);
            IReadOnlyList<BlockPlan> plan = _host.Types.Plan(job.Spec).Blocks;
            byte[][] whole = [.. plan.Select(block => Run(job, block, Endless(), reopen: false))];

            ResultFile[] files = Assemble(job, plan, whole, StopReason.Completed);
            Assert.Equal(files.Select(file => file.Name), files.Select(file => file.Name).Distinct());
            foreach (bool reopen in new[] { false, true })
            {
                byte[][] again = [.. plan.Select(block => Run(job, block, OneStep(), reopen))];
                Assert.Equal(whole, again);
                ResultFile[] same = Assemble(job, plan, again, StopReason.Completed);
                Assert.Equal(files.Select(file => file.Content), same.Select(file => file.Content));
            }
            // Blocks don't know of each other: any order gives the same.
            Assert.Equal(whole.Reverse(), plan.Reverse().Select(block => Run(job, block, Endless(), reopen: false)));
            Assert.Contains("card.json", files.Select(file => file.Name));
        }
    }

    [Theory, MemberData(nameof(All))]
    public async Task Cancel_OnTheWay_LeavesFilesOfWhatWasDone(JobTypeCase one)
    {
        JobDefinition job = await AcceptAsync(one, one.Jobs[0].Model, one.Jobs[0].Spec);
        IReadOnlyList<BlockPlan> plan = _host.Types.Plan(job.Spec).Blocks;
        BlockPlan[] kept = [.. plan.Take(2)];
        byte[][] done = [.. kept.SkipLast(1).Select(block => Run(job, block, Endless(), reopen: false))];
        using IWorkload begun = _host.Workloads.Open(job, kept[^1]);
        begun.Advance(OneStep());

        ResultFile[] files = Assemble(job, kept, [.. done, begun.Finish()], StopReason.Cancelled);

        JsonObject card = JsonNode.Parse(files.Single(file => file.Name == "card.json").Content)!.AsObject();
        Assert.Equal((false, "cancelled"), ((bool)card["complete"]!, (string?)card["stopped"]));
        Assert.Contains(files, file => file.Name.EndsWith(".npy", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(All))]
    public async Task Metrics_Seen_AreThoseThatTheTypeDeclares(JobTypeCase one)
    {
        var seen = new HashSet<string>();
        foreach ((string model, string spec) in one.Jobs)
        {
            JobDefinition job = await AcceptAsync(one, model, spec);
            var reports = new List<(BlockPlan, StepReport)>();
            foreach (BlockPlan block in _host.Types.Plan(job.Spec).Blocks)
            {
                using IWorkload workload = _host.Workloads.Open(job, block);
                StepReport report = workload.Advance(Endless());
                Assert.Empty(report.Metrics.Keys.Except(_host.Types.Of(job.Spec).Description.Metrics.Select(metric => metric.Name)));
                reports.Add((block, report));
            }
            BlockStatistics[] statistics =
                [.. reports.Where(one => one.Item2.Statistics is not null).Select(one => new BlockStatistics(one.Item1, one.Item2.Statistics!))];
            IReadOnlyDictionary<string, double> merged = _host.Types.Merge(job, reports, _host.Types.Compute(job, statistics, live: false));
            Assert.All(merged.Values, value => Assert.True(double.IsFinite(value)));
            seen.UnionWith(merged.Keys);
        }

        Assert.Equal(_host.Types.Find(one.Type)!.Description.Metrics.Select(metric => metric.Name).Order(), seen.Order());
    }

    /// <summary>Rows and labels that came with the request are not in the spec: they are given again.</summary>
    [Theory, MemberData(nameof(All))]
    public async Task Accept_SpecSentAgain_GivesTheSameSpec(JobTypeCase one)
    {
        foreach ((string model, string spec) in one.Jobs)
        {
            JobDefinition first = await AcceptAsync(one, model, spec);
            string shown = JsonSerializer.Serialize<object>(first.Spec, EbmJson.Options);
            JsonNode again = JsonNode.Parse(shown)!;
            GiveRows(JsonNode.Parse(spec)!, again);

            JobDefinition second = await AcceptAsync(one, model, again.ToJsonString());

            Assert.Equal(shown, JsonSerializer.Serialize<object>(second.Spec, EbmJson.Options));
        }
    }

    private static void GiveRows(JsonNode from, JsonNode to)
    {
        if (from is JsonArray list && to is JsonArray shown)
        {
            foreach ((JsonNode? item, JsonNode? other) in list.Zip(shown).Where(pair => pair is { First: not null, Second: not null }))
                GiveRows(item!, other!);
        }
        if (from is not JsonObject members)
            return;
        foreach ((string name, JsonNode? value) in members)
        {
            if (to is JsonObject target && !target.ContainsKey(name) && name is "data" or "npy" or "labels")
                target[name] = value!.DeepClone();
            else if (value is not null && to is JsonObject known && known[name] is { } inner)
                GiveRows(value, inner);
        }
    }

    private async Task<JobDefinition> AcceptAsync(JobTypeCase one, string model, string spec)
    {
        Outcome<JobDefinition> accepted = await _host.AcceptAsync(one.Type, model, spec);
        Assert.True(accepted.Succeeded, string.Join("; ", accepted.Failure?.Fields.Select(error => $"{error.Field}: {error.Message}") ?? []));
        return accepted.Value!;
    }

    private byte[] Run(JobDefinition job, BlockPlan block, QuantumBudget budget, bool reopen)
    {
        IWorkload workload = _host.Workloads.Open(job, block);
        try
        {
            while (!workload.Advance(budget).Done)
            {
                if (!reopen)
                    continue;
                byte[] saved = workload.Save();
                workload.Dispose();
                workload = _host.Workloads.Open(job, block, saved);
            }
            return workload.Finish();
        }
        finally
        {
            workload.Dispose();
        }
    }

    private ResultFile[] Assemble(JobDefinition job, IReadOnlyList<BlockPlan> plan, byte[][] results, string stopped)
    {
        var files = new ResultFiles();
        Assert.Null(_host.Types.Assemble(job, [.. plan.Zip(results, (block, content) => new BlockResult(block, content))], stopped, files));
        return [.. files.All];
    }

    private static QuantumBudget Endless() => JobTypeHost.Budget(TimeSpan.FromHours(1));

    private static QuantumBudget OneStep() => JobTypeHost.Budget(TimeSpan.Zero);
}
