using System.Runtime.CompilerServices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Scoring;

/// <summary>Scoring against the queries that answer the same for few rows.</summary>
public sealed class ScoringTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public ScoringTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Outputs_OfAnyBlockSize_AreTheBitsOfQueries()
    {
        TensorPayload rows = Rows(29, 1, 8, 8);
        QueryAnswer energy = Ask(rows, QueryKind.Energy), ood = Ask(rows, QueryKind.OutOfDistribution);

        foreach (int blockSize in new[] { 8, 13, 29 })
        {
            IReadOnlyDictionary<string, float[]> files = await ScoreAsync(
                $$"""{"outputs": ["energy", "logDensity", "approximateMass", "negativeEntropy", "typicality", "pValue"], "npy": "{{Npy(rows)}}", "blockSize": {{blockSize}}}""");

            Assert.Equal(energy.Energies, files["energy.npy"]);
            foreach (string score in new[] { "logDensity", "approximateMass", "negativeEntropy", "typicality" })
                Assert.Equal(ood.Scores![score], files[$"{score}.npy"]);
            Assert.Equal(ood.PValues!.Select(value => (float)value), files["pValue.npy"]);
        }
    }

    [Fact]
    public async Task Logits_OfAJob_AreThoseBehindTheClasses()
    {
        TensorPayload rows = Rows(11, 1, 8, 8);
        QueryAnswer classes = Ask(rows, QueryKind.Classification);

        float[] logits = (await ScoreAsync($$"""{"outputs": ["logits"], "npy": "{{Npy(rows)}}"}"""))["logits.npy"];

        Assert.Equal(classes.Labels, logits.Chunk(3).Select(row => row.Index().MaxBy(one => one.Item).Index));
        Assert.Equal(classes.Energies, logits.Chunk(3).Select(row => -MathF.Log(row.Sum(MathF.Exp))), (a, b) => MathF.Abs(a - b) < 1e-5f);
    }

    [Fact]
    public async Task Metrics_OfARunningJob_AreMeansOfTheRowsSoFar()
    {
        TensorPayload rows = Rows(48, 1, 8, 8);
        // Its energy and gradient overflow: neither a finite energy nor a p-value.
        Array.Fill(rows.Values, float.MaxValue, 3 * 64, 64);
        string request = $$"""{"outputs": ["energy", "pValue"], "npy": "{{Npy(rows)}}", "blockSize": 24, "outOfRange": "allow"}""";
        JobDefinition job = (await _host.AcceptAsync("scoring", "jem", request)).OrThrow();
        IReadOnlyList<BlockPlan> plan = _host.Types.Plan(job.Spec).Blocks;
        using IWorkload first = _host.Workloads.Open(job, plan[0]), second = _host.Workloads.Open(job, plan[1]);

        // A tile of one block, all of the other.
        StepReport begun = first.Advance(JobTypeHost.Budget(TimeSpan.Zero));
        StepReport done = second.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1)));
        IReadOnlyDictionary<string, double> sut = _host.Types.Merge(job, [(plan[0], begun), (plan[1], done)], null);

        int[] seen = [.. Enumerable.Range(0, 8).Where(row => row != 3), .. Enumerable.Range(24, 24)];
        var finite = new TensorPayload([seen.Length, 1, 8, 8], [.. seen.SelectMany(row => rows.Row(row).ToArray())]);
        Assert.Equal((31.0, 1.0, 31.0), (sut["finite"], sut["notFinite"], sut["pValues"]));
        Assert.Equal(Ask(finite, QueryKind.Energy).Energies!.Average(energy => (double)energy), sut["energyMean"], 1e-9);
        Assert.Equal(Ask(finite, QueryKind.OutOfDistribution).PValues!.Average(value => (double)(float)value), sut["pValueMean"], 1e-9);
    }

    [Fact]
    public async Task Assemble_ManyBlocks_HoldsFewOfThemAtOnce()
    {
        const int blocks = 64, size = 1024;
        JobDefinition job = (await _host.AcceptAsync("scoring", "gaussian", $$"""{"npy": "{{Npy(Rows(blocks * size, 2))}}", "blockSize": {{size}}}""")).OrThrow();
        IReadOnlyList<BlockPlan> plan = _host.Types.Plan(job.Spec).Blocks;
        byte[] content = Run(job, plan[0]);
        var given = new List<WeakReference>();
        int held = 0;
        BlockResult[] results = [.. plan.Select(block => new BlockResult(block, () => Give(content, given, ref held)))];

        _host.Types.Assemble(job, results, StopReason.Completed, new NoFiles());

        Assert.True(given.Count >= blocks);
        Assert.InRange(held, 0, 4);
    }

    /// <summary>Counts the earlier blocks that are still alive.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlyMemory<byte> Give(byte[] content, List<WeakReference> given, ref int held)
    {
        GC.Collect();
        held = Math.Max(held, given.Count(reference => reference.IsAlive));
        byte[] copy = [.. content];
        given.Add(new WeakReference(copy));
        return copy;
    }

    private QueryAnswer Ask(TensorPayload rows, QueryKind kind) =>
        _host.Queries.Evaluate([new ModelQuery { Model = new ModelKey("jem", "1"), Kind = kind, Inputs = rows, Alpha = 0.5 }]).Single().OrThrow();

    private async Task<IReadOnlyDictionary<string, float[]>> ScoreAsync(string spec)
    {
        JobDefinition job = (await _host.AcceptAsync("scoring", "jem", spec)).OrThrow();
        var files = new ResultFiles();
        _host.Types.Assemble(
            job, [.. _host.Types.Plan(job.Spec).Blocks.Select(block => new BlockResult(block, Run(job, block)))], StopReason.Completed, files);
        return files.All.Where(file => file.Name.EndsWith(".npy", StringComparison.Ordinal))
            .ToDictionary(file => file.Name, file => NpyFormat.Read(file.Content).Values);
    }

    private byte[] Run(JobDefinition job, BlockPlan block)
    {
        using IWorkload workload = _host.Workloads.Open(job, block);
        while (!workload.Advance(JobTypeHost.Budget(TimeSpan.Zero)).Done)
        {
            // A tile at a time.
        }
        return workload.Finish();
    }

    private static string Npy(TensorPayload rows) => Convert.ToBase64String(NpyFormat.Write(rows));

    private static TensorPayload Rows(params int[] shape) => new(
        shape, [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(i => (float)Math.Sin(3 + 11 * i))]);

    private sealed class NoFiles : IResultWriter
    {
        public void Write(string name, string mediaType, Action<Stream> write) => write(Stream.Null);
    }
}
