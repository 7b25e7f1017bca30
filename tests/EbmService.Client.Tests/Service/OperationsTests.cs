using System.Text;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Client.Tests.Service;

/// <summary>Operations against the real service.</summary>
public sealed class OperationsTests(RunningService service) : IClassFixture<RunningService>, IAsyncLifetime
{
    private const int Limit = 120_000;

    private readonly EbmClient _client = service.Client();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact(Timeout = Limit)]
    public async Task Energy_OfAGaussian_IsHalfTheSquare()
    {
        var inputs = QueryInput.FromValues(new float[] { 1, 2, 0, -1 }, 2, 2);

        var answer = await _client.Queries.EnergyAsync("bowl", inputs, new EnergyOptions { Gradients = true }, Cancel);
        NpyArray array = await _client.Queries.EnergyArrayAsync("bowl", inputs, new EnergyOptions { Version = "1" }, Cancel);

        Assert.Equal([2.5f, 0.5f], answer.Results.Select(result => result.Energy!.Value));
        Assert.Equal([1, 2], answer.Results[0].Gradient!.Tensor.Values);
        Assert.Equal([2.5f, 0.5f], array.ToSingles());
    }

    [Fact(Timeout = Limit)]
    public async Task Energy_OutOfRange_NamesTheElement()
    {
        QueryInput inputs = new TensorPayload([2, 2], [1, 2, 0, 99]);

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => _client.Queries.EnergyAsync("bowl", inputs, cancellationToken: Cancel));

        Assert.True(problem.Is(FailureCode.InvalidRequest));
        Assert.Contains("body[1][1]", problem.Errors.Keys);
        Assert.Equal(2, (await _client.Queries.EnergyAsync("bowl", inputs, new EnergyOptions { OutOfRange = OutOfRange.Allow }, Cancel)).Results.Count);
    }

    [Fact(Timeout = Limit)]
    public async Task Classify_ModelWithoutClasses_IsNotSupported() => Assert.True((await Assert.ThrowsAsync<EbmException>(() =>
        _client.Queries.ClassifyAsync("bowl", new TensorPayload([1, 2], [0, 0]), cancellationToken: Cancel))).Is(FailureCode.NotSupported));

    [Fact(Timeout = Limit)]
    public async Task Run_Sampling_GivesArraysRangesAndFiles()
    {
        JobResponse job = (await _client.Jobs.RunAsync("bowl", new SamplingRequest { Chains = 8, Steps = 50, Seed = 3 }, cancellationToken: Cancel))
            .EnsureSucceeded();

        Assert.Equal(8, Assert.IsType<SamplingSpec>(job.Spec).Chains);
        NpyArray samples = await _client.Jobs.ReadArrayAsync(job.Id, "samples.npy", Cancel);
        Assert.Equal([8, 2], samples.Shape);
        byte[] whole = await _client.Jobs.ReadResultAsync(job.Id, "samples.npy", Cancel);
        await using JobResultStream part = await _client.Jobs.OpenResultAsync(job.Id, "samples.npy", 10, 19, Cancel);
        using var read = new MemoryStream();
        await part.Content.CopyToAsync(read, Cancel);
        Assert.Equal(whole[10..20], read.ToArray());
        Assert.Equal((10, whole.Length, "application/x-npy"), (part.From, part.FileLength, part.MediaType));
        JobResultResponse listed = (await _client.Jobs.ListResultsAsync(job.Id, Cancel)).Single(result => result.Name == "samples.npy");
        Assert.Equal((whole.Length, part.Sha256), (listed.Size, listed.Sha256));
        Assert.Equal("bowl", (await _client.Jobs.ReadJsonAsync(job.Id, "card.json", Cancel)).GetProperty("model").GetProperty("name").GetString());
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Jobs.ReadResultAsync(job.Id, "nothing", Cancel))).Is(FailureCode.ResultNotFound));
    }

    [Fact(Timeout = Limit)]
    public async Task Download_BrokenInTheMiddle_GoesOnWhereItBroke()
    {
        JobResponse job = (await _client.Jobs.RunAsync(
            "bowl", new SamplingRequest { Chains = 2000, Steps = 100, Thin = 1 }, cancellationToken: Cancel)).EnsureSucceeded();
        byte[] whole = await _client.Jobs.ReadResultAsync(job.Id, "trajectory.npy", Cancel);
        int connections = service.Relay.Passed;
        using var written = new MemoryStream();

        service.Relay.CutAfter(500_000);
        long count = await _client.Jobs.DownloadAsync(job.Id, "trajectory.npy", written, Cancel);

        Assert.True(whole.Length > 1_000_000);
        Assert.Equal(whole.Length, count);
        Assert.Equal(whole, written.ToArray());
        Assert.True(service.Relay.Passed > connections, "the connection was never cut");
    }

    [Fact(Timeout = Limit)]
    public async Task Create_SameKeyTwice_IsOneJob()
    {
        var options = new JobOptions { IdempotencyKey = Guid.NewGuid().ToString() };
        var request = new SamplingRequest { Chains = 2, Steps = 10 };

        JobResponse first = await _client.Jobs.CreateAsync("bowl", request, options, Cancel);
        JobResponse second = await _client.Jobs.CreateAsync("bowl", request, options, Cancel);

        Assert.Equal(first.Id, second.Id);
    }

    [Fact(Timeout = Limit)]
    public async Task Create_Wrong_NamesTheMember()
    {
        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => _client.Jobs.CreateAsync(
            "bowl", new SamplingRequest { Chains = -1, StepSize = 0 }, cancellationToken: Cancel));

        Assert.Contains("spec.chains", problem.Errors.Keys);
        Assert.Contains("spec.stepSize", problem.Errors.Keys);
    }

    [Fact(Timeout = Limit)]
    public async Task Job_ItsLife_PauseResumeCancelListDelete()
    {
        JobResponse job = await _client.Jobs.CreateAsync("bowl", new SamplingRequest { Chains = 2, Steps = 5_000_000 }, cancellationToken: Cancel);
        await _client.Jobs.PauseAsync(job.Id, Cancel);
        await foreach (JobEvent happened in _client.Jobs.WatchAsync(job.Id, Cancel))
        {
            if (happened is JobChangedEvent { Job.Status: JobStatus.Paused })
                break;
        }
        Assert.Equal(JobStatus.Queued, (await _client.Jobs.ResumeAsync(job.Id, Cancel)).Status);
        await _client.Jobs.CancelAsync(job.Id, Cancel);
        JobResponse ended = await _client.Jobs.WaitAsync(job.Id, Cancel);
        Assert.Equal("cancelled", Assert.Throws<EbmException>(ended.EnsureSucceeded).Code);
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Jobs.ExtendAsync(job.Id, 5, Cancel))).Is(FailureCode.InvalidTransition));
        var listed = new List<string>();
        await foreach (JobResponse one in _client.Jobs.ListAllAsync(new JobQuery { Status = JobStatus.Cancelled, Limit = 1 }, Cancel))
            listed.Add(one.Id);
        Assert.Contains(job.Id, listed);
        await _client.Jobs.DeleteAsync(job.Id, Cancel);
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Jobs.GetAsync(job.Id, Cancel))).Is(FailureCode.JobNotFound));
    }

    [Fact(Timeout = Limit)]
    public async Task Extend_SucceededJob_MakesALongerOne()
    {
        JobResponse job = (await _client.Jobs.RunAsync("bowl", new SamplingRequest { Chains = 2, Steps = 10 }, cancellationToken: Cancel)).EnsureSucceeded();

        JobResponse longer = await _client.Jobs.WaitAsync((await _client.Jobs.ExtendAsync(job.Id, 5, Cancel)).Id, Cancel);

        Assert.Equal((job.Id, 15), (longer.Extends, ((SamplingSpec)longer.EnsureSucceeded().Spec).Steps));
    }

    [Fact(Timeout = Limit)]
    public async Task Datasets_ItsLife_UploadLookDelete()
    {
        byte[] rows = Encoding.ASCII.GetBytes("x,y\n0.5,1\n-1,2\n0,0\n");
        byte[] labels = Encoding.ASCII.GetBytes("label\n0\n1\n1\n");

        var made = await _client.Datasets.UploadAsync("points", new MemoryStream(rows), new MemoryStream(labels), Cancel);
        var again = await _client.Datasets.CreateAsync("points", new MemoryStream(rows), new MemoryStream(labels), Cancel);

        Assert.Equal([3, 2], made.Shape);
        Assert.Equal(2, made.Labels!["1"]);
        Assert.Equal(made.Sha256, again.Sha256);
        Assert.Contains("points", (await _client.Datasets.ListAsync(Cancel)).Select(one => one.Name));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], (await _client.Datasets.PreviewAsync("points", Cancel))[..4]);
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Datasets.UploadAsync(
            "points", new MemoryStream("x,y\n1,1\n"u8.ToArray()), cancellationToken: Cancel))).Is(FailureCode.DatasetExists));
        await _client.Datasets.DeleteAsync("points", Cancel);
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Datasets.GetAsync("points", Cancel))).Is(FailureCode.DatasetNotFound));
    }

    [Fact(Timeout = Limit)]
    public async Task Models_ListCardComposeLoad()
    {
        ModelSummary summary = (await _client.Models.ListAsync(Cancel)).Single(model => model.Name == "bowl");
        ModelCardResponse card = await _client.Models.GetAsync("bowl", cancellationToken: Cancel);
        ModelCardResponse made = await _client.Models.ComposeAsync(new CompositionRequest
        {
            Name = "both", Terms = [new CompositionTerm { Model = "bowl" }, new CompositionTerm { Model = "wells", Weight = 0.5 }],
        }, Cancel);

        Assert.Equal((ModelState.Ready, "1"), (summary.State, summary.Version));
        Assert.Equal([2], card.Input.Shape);
        Assert.Equal(("both", "1"), (made.Name, made.Version));
        Assert.Empty((await _client.Models.ListCalibrationsAsync("bowl", Cancel)).Calibrations);
        Assert.Equal(ModelState.Unloaded, (await _client.Models.UnloadAsync("both", "1", Cancel)).State);
        Assert.Equal(ModelState.Ready, (await _client.Models.LoadAsync("both", cancellationToken: Cancel)).State);
        Assert.True((await Assert.ThrowsAsync<EbmException>(() => _client.Models.GetAsync("damaged", cancellationToken: Cancel))).Is(FailureCode.ModelUnavailable));
    }

    [Fact(Timeout = Limit)]
    public async Task Upload_Model_NamesWhatIsWrong()
    {
        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => _client.Models.UploadAsync(
            "new", "1", new ModelFiles { Descriptor = new MemoryStream("{"u8.ToArray()) }, Cancel));

        Assert.Contains("descriptor", problem.Errors.Keys);
    }

    [Fact(Timeout = Limit)]
    public async Task Service_IsLiveAndReady()
    {
        Assert.Equal("live", (await _client.Service.LiveAsync(Cancel)).Status);
        Assert.Equal("ready", (await _client.Service.ReadyAsync(Cancel)).Status);
    }

    [Fact]
    public void JobSpecTypes_AreThoseOfTheService() => Assert.Equal(
        service.Services.GetServices<IJobType>().Select(type => type.Description)
            .Select(type => new JobSpecType(type.Name, type.Request, type.Spec)).OrderBy(type => type.Name),
        JobSpecTypes.All.OrderBy(type => type.Name));
}
