using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>Jobs that are too large for the machine are refused before they run.</summary>
public sealed class JobResourcesTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData(1e13, 1, "spec.blockSize")]
    [InlineData(1, 1e13, "spec.thin")]
    public async Task Submit_MoreMemoryThanItsShare_IsRefusedWithTheField(double step, double result, string field)
    {
        Failure? failure = await SubmitAsync(new JobFootprint(step, result) { StepField = "spec.blockSize", ResultField = "spec.thin" });

        Assert.Equal(FailureCode.OverPolicy, failure?.Code);
        Assert.Equal(field, Assert.Single(failure!.Fields).Field);
        Assert.Contains(field, failure.Remedy, StringComparison.Ordinal);
        Assert.Contains("MemoryShare", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_TypeWithARemedy_IsRefusedWithIt()
    {
        Failure? failure = await SubmitAsync(new JobFootprint(1, 1e13) { ResultField = "spec.outputs", ResultRemedy = "Ask for fewer outputs." });

        Assert.StartsWith("Ask for fewer outputs.", failure?.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_MoreThanTheDiskHas_IsRefusedAndTakenOnceThereIsRoom()
    {
        _host.Disk.Free = 4_000_000;
        JobFootprint footprint = new(1, 1e6) { ResultField = "spec.chains" };
        Failure? failure = await SubmitAsync(footprint);

        Assert.Equal((FailureCode.InsufficientStorage, "spec.chains"), (failure!.Code, Assert.Single(failure.Fields).Field));
        Assert.Contains("delete jobs", failure.Remedy, StringComparison.Ordinal);
        _host.Disk.Free = 6_000_000;
        Assert.Null(await SubmitAsync(footprint));
    }

    [Fact]
    public async Task Extend_MoreThanTheDiskHas_IsRefused()
    {
        string id = (await _host.EndOfAsync((await _host.SubmitAsync()).Id)).Id;
        _host.Disk.Free = 100;

        Assert.Equal(FailureCode.InsufficientStorage, (await _host.Jobs.ExtendAsync(id, 1_000_000, default)).Failure?.Code);
    }

    [Fact]
    public void FootprintOf_Sampling_GrowsWithRowsReplicasAndKeptStates()
    {
        var descriptor = new ModelDescriptor
        {
            Name = "m", Title = "m", Architecture = new ModelArchitecture { Kind = "none" }, Input = new InputSchema(InputKind.Vector, [784], -1, 1),
        };
        var model = new HostedModel { Key = new("m", "1"), State = ModelState.Ready, Descriptor = descriptor, ActivationsPerInput = 1000 };
        SamplingSpec plain = JobsHost.Spec(chains: 64, steps: 100, blockSize: 16);
        SamplingSpec hot = plain with { Tempering = new TemperingSettings([1, 2, 4], 5) };
        SamplingSpec kept = plain with { Thin = 10 };

        Assert.Equal(3 * SamplingAcceptance.FootprintOf(plain, model).StepBytes, SamplingAcceptance.FootprintOf(hot, model).StepBytes);
        Assert.Equal(64 * 784 * 10 * 4.0, SamplingAcceptance.FootprintOf(kept, model).StreamedBytes);
        Assert.Equal(SamplingAcceptance.FootprintOf(plain, model).ResultBytes, SamplingAcceptance.FootprintOf(kept, model).ResultBytes);
        Assert.Equal(7000, SamplingAcceptance.FootprintOf(plain, model, startBytes: 7000).StreamedBytes);
        Assert.Equal("spec.thin", SamplingAcceptance.FootprintOf(kept, model).ResultField);
        Assert.Contains("spec.thin", SamplingAcceptance.FootprintOf(kept, model).ResultRemedy, StringComparison.Ordinal);
        Assert.Null(SamplingAcceptance.FootprintOf(plain, model).ResultRemedy);
    }

    private async Task<Failure?> SubmitAsync(JobFootprint footprint) =>
        (await _host.Jobs.SubmitAsync(JobsHost.Submission() with { Footprint = footprint }, default)).Failure;
}
