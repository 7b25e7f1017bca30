using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Tests.Models;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class JobDiagnosticianTests
{
    private static readonly string[] Names = ["energy", "other"];
    private readonly JobDiagnostician _sut = new();

    [Fact]
    public void Compute_BlocksAtDifferentIntervalsAndSteps_UsesWhatAllHave()
    {
        // Draws after a warm-up of 10: block 0 has every second step up to 50, block 1 every step up to 45.
        JobDiagnostics answer = Compute([Series(4, 2, 10, 20, 1), Series(2, 1, 10, 35, 2)]);

        Assert.Equal((17, 44, 6), (answer.Draws, answer.Step, answer.Chains));
        Assert.Equal(Names, answer.Quantities.Select(quantity => quantity.Name));
    }

    [Fact]
    public void Compute_SameStepsKeptAtTwoIntervals_GiveTheSameStatistics()
    {
        ChainSeries first = Thinned(Series(4, 1, 0, 400, 5)), second = Series(4, 1, 0, 400, 6);

        Assert.Equal(Compute([first, Thinned(second)]).RHat, Compute([first, second]).RHat);
    }

    [Fact]
    public void Compute_ChainThatIsNotFinite_IsLeftOut()
    {
        ChainSeries series = Series(4, 1, 0, 100, 3);
        series.Values[50 * 8 + 2] = float.NaN;

        JobDiagnostics answer = Compute([series]);

        Assert.Equal(3, answer.Chains);
        Assert.NotNull(answer.RHat);
    }

    [Fact]
    public void Compute_IndependentDraws_AreMixed()
    {
        JobDiagnostics answer = Compute([Series(4, 1, 0, 1000, 7), Series(4, 1, 0, 1000, 8)]);

        Assert.InRange(answer.RHat!.Value, 0.99, 1.01);
        // 8000 independent draws: the estimate scatters by a few percent.
        Assert.InRange(answer.EssBulk!.Value, 7000, 9000);
        Assert.Equal(1 / Math.Sqrt(8000), answer.Quantities[0].McseMean!.Value, 0.002);
    }

    [Fact]
    public void Compute_ChainsOfDifferentClasses_AreJudgedClassByClass()
    {
        // Chains 0 and 2 are of class 3, chains 1 and 3 of class 5, whose energies lie far apart.
        ChainSeries series = Series(4, 1, 0, 1000, 11);
        for (int row = 0; row < 1000; row++)
            (series.Values[row * 8 + 1], series.Values[row * 8 + 3]) = (series.Values[row * 8 + 1] + 50, series.Values[row * 8 + 3] + 50);

        JobDefinition job = Job(null);
        JobDiagnostics pooled = Compute([series]);
        JobDiagnostics answer = _sut.Compute(
            job with { Spec = (SamplingSpec)job.Spec with { Labels = [3, 5] } }, [new BlockSeries(new BlockPlan(0, 0, 4, 1000), series)], live: false);

        Assert.InRange(pooled.RHat!.Value, 1.5, 10);
        Assert.InRange(answer.RHat!.Value, 0.99, 1.02);
        // Two chains of a class, 2000 independent draws.
        Assert.InRange(answer.EssBulk!.Value, 1600, 2400);
        Assert.Equal([null, null, 3, 3, 5, 5], answer.Quantities.Select(quantity => quantity.Label));
        Assert.Equal(25, answer.Quantities[0].Mean!.Value, 0.1);
        // The mean of two independent means, each with an error of 1 / sqrt(2000).
        Assert.Equal(Math.Sqrt(0.5 / 2000), answer.Quantities[0].McseMean!.Value, 0.003);
    }

    [Fact]
    public void Compute_ClassOfOneChain_LeavesNoRHat()
    {
        JobDefinition job = Job(null);
        JobDiagnostics answer = _sut.Compute(
            job with { Spec = (SamplingSpec)job.Spec with { Labels = [3, 3, 3, 5] } },
            [new BlockSeries(new BlockPlan(0, 0, 4, 1000), Series(4, 1, 0, 200, 12))], live: false);

        Assert.Null(answer.RHat);
        Assert.NotNull(answer.EssBulk);
    }

    [Fact]
    public void Compute_ClassThatStandsStill_LeavesNoStatistics()
    {
        ChainSeries series = Series(4, 1, 0, 200, 13);
        for (int row = 0; row < 400; row++)
            (series.Values[row * 4 + 1], series.Values[row * 4 + 3]) = (7, 7);
        JobDefinition job = Job(null) with { Spec = (SamplingSpec)Job(null).Spec with { Labels = [3, 5] } };

        JobDiagnostics answer = _sut.Compute(job, [new BlockSeries(new BlockPlan(0, 0, 4, 1000), series)], live: false);

        Assert.Equal((null, null), (answer.RHat, answer.EssBulk));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(4, true)]
    public void Judge_ChainsThatNeverMoved_AreCountedAndNoRuleHolds(int standing, bool noEss)
    {
        // Each at a place of its own, as after a start from random points.
        ChainSeries series = Series(4, 1, 0, 1000, 15);
        for (int row = 1; row < 2000; row++)
            series.Values.AsSpan(row % 2 * 4, standing).CopyTo(series.Values.AsSpan(row * 4));
        JobDefinition job = Job(new StopRules(UntilEss: 10));

        JobDiagnostics answer = _sut.Compute(job, [new BlockSeries(new BlockPlan(0, 0, 4, 1000), series)], live: false);

        Assert.Equal((4, standing), (answer.Chains, answer.UnmovedChains));
        Assert.Equal(noEss, answer.EssBulk is null);
        Assert.Null(_sut.Judge(job, answer));
        Assert.Null(_sut.Judge(job, answer with { EssBulk = 1e6 }));
        Assert.Equal(SamplingJob.UntilEss, _sut.Judge(job, answer with { EssBulk = 1e6, UnmovedChains = 0 }));
    }

    [Fact]
    public void Compute_ClassWhoseChainsAllDiverged_LeavesNoStatistics()
    {
        ChainSeries series = Series(4, 1, 0, 200, 14);
        (series.Values[1], series.Values[3]) = (float.NaN, float.NaN);
        JobDefinition job = Job(null) with { Spec = (SamplingSpec)Job(null).Spec with { Labels = [3, 5] } };

        Assert.Null(_sut.Compute(job, [new BlockSeries(new BlockPlan(0, 0, 4, 1000), series)], live: false).RHat);
    }

    [Fact]
    public void Compute_BlockThatOnlyJustBegan_IsLeftOut()
    {
        JobDiagnostics answer = Compute([Series(4, 1, 0, 400, 5), Series(4, 1, 0, 3, 6), Series(4, 1, 0, 0, 7)]);

        Assert.Equal((4, 400), (answer.Chains, answer.Draws));
    }

    [Fact]
    public void Compute_NoDraws_GivesNoStatistics() => Assert.Equal((0, null, null), (Compute([]).Chains, Compute([]).RHat, Compute([Series(2, 1, 0, 0, 1)]).EssBulk));

    [Theory]
    [InlineData(400.0, null, 400.0, 1.5, SamplingJob.UntilEss)]
    [InlineData(400.0, null, 399.0, 1.0, null)]
    [InlineData(null, 1.01, 1.0, 1.01, SamplingJob.UntilRHat)]
    [InlineData(null, 1.01, 1e6, 1.011, null)]
    [InlineData(400.0, 1.01, 500.0, 1.0, SamplingJob.UntilEssAndRHat)]
    [InlineData(400.0, 1.01, 500.0, 1.1, null)]
    [InlineData(400.0, 1.01, 300.0, 1.0, null)]
    [InlineData(null, null, 1e6, 1.0, null)]
    public void Judge_Rules_HoldTogether(double? untilEss, double? untilRHat, double ess, double rHat, string? expected)
    {
        JobDefinition job = Job(new StopRules(untilEss, untilRHat));

        Assert.Equal(expected, _sut.Judge(job, new JobDiagnostics { Step = 50, Draws = 50, Chains = 1, EssBulk = ess, RHat = rHat }));
        Assert.Null(_sut.Judge(job, new JobDiagnostics { Step = 49, Draws = 49, Chains = 1, EssBulk = ess, RHat = rHat }));
        Assert.Null(_sut.Judge(job, new JobDiagnostics { Step = 50, Draws = 50, Chains = 1 }));
    }

    private JobDiagnostics Compute(IReadOnlyList<ChainSeries> series) => _sut.Compute(
        Job(null), [.. series.Select((one, index) => new BlockSeries(new BlockPlan(index, 0, one.Chains, 1000), one))], live: false);

    private static JobDefinition Job(StopRules? stop) =>
        new("j", new ModelReference("m", "1", ""), SamplingSpecs.Create(8, 1000, 4) with { Stop = stop });

    private static ChainSeries Series(int chains, int interval, int warmup, int draws, int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, draws * 2 * chains)
            .Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
        return new ChainSeries(chains, interval, warmup + interval, draws, Names, values);
    }

    private static ChainSeries Thinned(ChainSeries series) => series with
    {
        Interval = 2 * series.Interval, FirstStep = series.FirstStep + series.Interval, Draws = series.Draws / 2,
        Values = [.. series.Values.Chunk(2 * series.Chains).Where((_, draw) => draw % 2 == 1).SelectMany(row => row)],
    };
}
