using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Tests.Slots;

public sealed class JobModelsTests : IDisposable
{
    private readonly JobDefinition _job = new(new string('0', 32), new ModelReference("m", "1", "sha256:00"), JobsHost.Spec());
    private readonly FakeModels _models = new() { Away = "The model 'm' is unavailable." };
    private readonly SemaphoreSlim _permits = new(0);
    private readonly SemaphoreSlim _looks = new(0);
    private readonly JobModels _sut;
    private int _atOnce;
    private int _most;

    public JobModelsTests()
    {
        IOptions<WorkerOptions> options = Options.Create(new WorkerOptions());
        _sut = new JobModels(_models, new LiveJobs(TimeProvider.System, options), options, NullLogger<JobModels>.Instance);
        _models.OnRefresh = () =>
        {
            _most = Math.Max(_most, Interlocked.Increment(ref _atOnce));
            _looks.Release();
            _permits.Wait(JobsHost.Patience);
            Interlocked.Decrement(ref _atOnce);
        };
    }

    public void Dispose()
    {
        _permits.Dispose();
        _looks.Dispose();
    }

    [Fact]
    public async Task WhyStillMissing_ManyAskDuringALook_ShareTheNextOne()
    {
        Task<Failure?> first = _sut.WhyStillMissingAsync(_job);
        Assert.True(await _looks.WaitAsync(JobsHost.Patience));
        Task<Failure?>[] others = [.. Enumerable.Range(0, 20).Select(_ => _sut.WhyStillMissingAsync(_job))];
        Assert.Equal(0, _looks.CurrentCount);
        _permits.Release();
        Assert.NotNull(await first);
        Assert.True(await _looks.WaitAsync(JobsHost.Patience));
        _models.Away = null;
        _permits.Release();

        Assert.All(await Task.WhenAll(others), Assert.Null);
        Assert.Equal((0, 1), (_looks.CurrentCount, _most));
    }

    [Fact]
    public async Task WhyStillMissing_LookThrows_IsAnsweredByWhatWasKnownAndTheNextLookWorks()
    {
        _models.OnRefresh = () => throw new IOException("the folder can't be read");
        Assert.NotNull(await _sut.WhyStillMissingAsync(_job));
        _models.OnRefresh = () => _models.Away = null;

        Assert.Null(await _sut.WhyStillMissingAsync(_job));
    }
}
