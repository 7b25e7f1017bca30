using EbmService.Cli.Engine;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Sampling;
using EbmService.Core.Rows;
using EbmService.Core.Scoring;
using EbmService.Core.Tensors;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EbmService.Cli.Tests.Engine;

public sealed class LocalEngineTests
{
    private static readonly SamplingRequest Small = new() { Chains = 40, Steps = 60, Seed = 5, BlockSize = 8 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_SamplingJob_GivesItsFilesAndReportsItsEnd()
    {
        await using LocalEngine sut = Open();
        var reports = new List<JobProgress>();

        FinishedJob done = await sut.RunAsync(SamplingJob.Name, Model(sut), Small, reports.Add, Cancel);

        Assert.Equal((JobStatus.Succeeded, StopReason.Completed), (done.Job.Status, done.Job.StopReason));
        Assert.Equal(["samples.png", "samples.npy", "energies.npy", "trace.json", "card.json"], done.Job.Results.Select(result => result.Name));
        Assert.Equal([40, 2], NpyFormat.Read(await done.ReadAsync("samples.npy", Cancel)).Shape);
        JobProgress last = reports[^1];
        Assert.Equal((1.0, 40 * 60L, "chainSteps"), (last.Fraction, last.Done, last.Unit));
        Assert.All(reports.Zip(reports.Skip(1)), pair => Assert.True(pair.First.Done <= pair.Second.Done));
        Assert.NotNull(last.Metric(SamplingJob.EnergyMean));
        Assert.NotNull(last.Metric(SamplingJob.RHat));
    }

    [Fact]
    public async Task RunAsync_OnAnyNumberOfSlots_GivesTheSameBits()
    {
        var results = new List<byte[]>();
        foreach (int slots in new[] { 1, 2, 5 })
        {
            await using LocalEngine sut = Open(services => services.Configure<WorkerOptions>(options => options.Slots = slots));
            results.Add(await (await sut.RunAsync(SamplingJob.Name, Model(sut), Small, null, Cancel)).ReadAsync("samples.npy", Cancel));
        }

        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public async Task RunAsync_JobsSideBySide_GiveWhatEachGivesAlone()
    {
        await using LocalEngine sut = Open();
        HostedModel model = Model(sut);
        SamplingRequest[] requests = [Small, Small with { Kernel = SamplingKernel.Mala }, Small with { Seed = 6 }];
        async Task<byte[]> SamplesOf(SamplingRequest request) =>
            await (await sut.RunAsync(SamplingJob.Name, model, request, null, Cancel)).ReadAsync("samples.npy", Cancel);

        byte[][] together = await Task.WhenAll(requests.Select(SamplesOf));

        foreach ((SamplingRequest request, byte[] samples) in requests.Zip(together))
            Assert.Equal(await SamplesOf(request), samples);
    }

    [Fact]
    public async Task RunAsync_ScoringJob_GivesTheNumbersOfAQuery()
    {
        await using LocalEngine sut = Open();
        HostedModel model = Model(sut);
        var rows = new TensorPayload([11, 2], [.. Enumerable.Range(0, 22).Select(i => i / 11f - 1)]);

        FinishedJob done = await sut.RunAsync(ScoringJob.Name, model, new ScoringRequest { Data = rows, Outputs = ["energy", "logDensity"] }, null, Cancel);

        var query = new ModelQuery { Model = model.Key, Kind = QueryKind.Energy, Inputs = rows };
        float[] energies = NpyFormat.Read(await done.ReadAsync("energy.npy", Cancel)).Values;
        Assert.Equal(sut.Get<IQueryEvaluator>().Evaluate([query])[0].OrThrow().Energies, energies);
        Assert.Equal(11, NpyFormat.Read(await done.ReadAsync("logDensity.npy", Cancel)).Values.Length);
        Assert.Equal(FailureCode.ResultNotFound, (await Assert.ThrowsAsync<FailureException>(() => done.ReadAsync("logits.npy", Cancel))).Failure.Code);
    }

    [Fact]
    public async Task RunAsync_FromAnotherJobsResult_ReadsItThere()
    {
        await using LocalEngine sut = Open();
        HostedModel model = Model(sut);
        FinishedJob first = await sut.RunAsync(SamplingJob.Name, model, Small, null, Cancel);
        string sha256 = first.Job.Results.Single(result => result.Name == "samples.npy").Sha256;

        FinishedJob scored = await sut.RunAsync(ScoringJob.Name, model, new ScoringRequest { Job = new JobRows(first.Job.Id) }, null, Cancel);
        FinishedJob longer = await sut.RunAsync(SamplingJob.Name, model, Small with { StartJob = new StartJob(first.Job.Id) }, null, Cancel);

        Assert.Equal(40, NpyFormat.Read(await scored.ReadAsync("energy.npy", Cancel)).Values.Length);
        Assert.Equal(sha256, ((SamplingSpec)longer.Job.Spec).StartJob!.Sha256);
    }

    [Fact]
    public async Task RunAsync_Deadline_KeepsWhatThereIs()
    {
        await using LocalEngine sut = Open();

        FinishedJob done = await sut.RunAsync(
            SamplingJob.Name, Model(sut), Small with { Steps = int.MaxValue, Stop = new StopRules(DeadlineSeconds: 0.3) }, null, Cancel);

        Assert.Equal((JobStatus.Succeeded, StopReason.Deadline), (done.Job.Status, done.Job.StopReason));
        Assert.InRange(done.Job.Progress.Done, 1, 40L * int.MaxValue - 1);
    }

    [Fact]
    public async Task RunAsync_RefusedRequest_ThrowsAllItsErrors()
    {
        await using LocalEngine sut = Open();

        FailureException refused = await Assert.ThrowsAsync<FailureException>(
            () => sut.RunAsync(SamplingJob.Name, Model(sut), Small with { Chains = 0, Recipe = "langevin", Label = 3 }, null, Cancel));

        Assert.Equal(["spec.chains", "spec.label"], refused.Failure.Fields.Select(field => field.Field).Order());
    }

    [Fact]
    public async Task AcceptAsync_MoreThanAServerTakes_IsAccepted()
    {
        await using LocalEngine sut = Open();
        var points = new TensorPayload([200_000, 2], new float[400_000]);
        var request = new SamplingRequest { Chains = 70_000, Steps = 100_000_000, Seed = 1, Data = points };

        var spec = (SamplingSpec)(await sut.AcceptAsync(SamplingJob.Name, Model(sut), request, sut.Jobs, Cancel)).Spec;

        Assert.Equal((70_000, 100_000_000), (spec.Chains, spec.Steps));
    }

    [Fact]
    public async Task RunAsync_FailingWorkload_ThrowsItsFailure()
    {
        await using LocalEngine sut = Open(Failing(new FailureException(new Failure(FailureCode.Diverged, "as asked"))));

        FailureException failed = await Assert.ThrowsAsync<FailureException>(() => sut.RunAsync(SamplingJob.Name, Model(sut), Small, null, Cancel));

        Assert.Equal((FailureCode.Diverged, "as asked"), (failed.Failure.Code, failed.Failure.Message));
    }

    [Fact]
    public async Task RunAsync_Defect_ThrowsItAsItIs()
    {
        var defect = new InvalidOperationException("as asked");
        await using LocalEngine sut = Open(Failing(defect));

        Assert.Same(defect, await Assert.ThrowsAsync<InvalidOperationException>(() => sut.RunAsync(SamplingJob.Name, Model(sut), Small, null, Cancel)));
    }

    [Fact]
    public async Task DisposeAsync_OfARunningJob_StopsItAndLeavesNothing()
    {
        using var stop = new CancellationTokenSource();
        string folder;
        await using (LocalEngine sut = Open())
        {
            folder = sut.Get<IOptions<StorageOptions>>().Value.DataPath;
            Task<FinishedJob> run = sut.RunAsync(SamplingJob.Name, Model(sut), Small with { Steps = int.MaxValue }, _ => stop.Cancel(), stop.Token);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
            Assert.True(File.Exists(Path.Combine(folder, "jobs.db")));
        }

        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(300)]
    public async Task DisposeAsync_WhileItStarts_LeavesNothing(int milliseconds)
    {
        string folder;
        await using (LocalEngine sut = Open())
        {
            folder = sut.Get<IOptions<StorageOptions>>().Value.DataPath;
            await Task.Delay(milliseconds, Cancel);
        }

        Assert.False(Directory.Exists(folder));
    }

    private static LocalEngine Open(Action<IServiceCollection>? replace = null) => LocalEngine.Open(CliTestBed.Bundled("two-moons"), replace);

    private static HostedModel Model(LocalEngine engine) => engine.Find(version: null);

    private static Action<IServiceCollection> Failing(Exception exception) =>
        services => services.AddSingleton<IWorkloadFactory>(new FailingWorkloads(exception));

    private sealed class FailingWorkloads(Exception exception) : IWorkloadFactory
    {
        public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null) => throw exception;
    }
}
