using System.Text.Json;
using EbmService.Client.Events;
using EbmService.Client.Tests.Http;
using EbmService.Core.Jobs;
using Xunit;

namespace EbmService.Client.Tests.Events;

/// <summary>What a slow reader gets, and what a new connection repeats.</summary>
public sealed class EventBufferTests
{
    private readonly EventBuffer _buffer = new();

    [Fact]
    public void Take_SlowReader_GetsAllChangesAndTheLatestProgressOfEachJob()
    {
        _buffer.Offer(Changed("a", JobStatus.Running));
        _buffer.Offer(Progress("a", 2));
        _buffer.Offer(Progress("b", 7));
        _buffer.Offer(Progress("a", 3));
        _buffer.Offer(Changed("a", JobStatus.Succeeded));

        Assert.Equal([("a", null), ("b", 7), ("a", 3), ("a", null)], TakeAll());
    }

    [Fact]
    public void Watch_RepeatedEvents_AreDroppedByTheirNumber()
    {
        var sut = new JobWatch("a", _buffer);

        Assert.False(sut.Offer(Progress("a", 5)));
        TakeAll();
        sut.Offer(Progress("a", 4));
        sut.Offer(Progress("a", 5));
        sut.Offer(Progress("a", 6));

        Assert.Equal([("a", 6L)], TakeAll());
        Assert.Equal(6, sut.LastSequence);
    }

    [Fact]
    public void Watch_End_ComesOnce()
    {
        var sut = new JobWatch("a", _buffer);

        Assert.True(sut.Offer(Changed("a", JobStatus.Cancelled)));
        Assert.True(sut.Offer(Changed("a", JobStatus.Cancelled)));

        Assert.Single(TakeAll());
    }

    [Fact]
    public void WatchAll_OneTenant_LeavesOutTheJobsOfOthers()
    {
        var sut = new AllJobsWatch("lab", _buffer);

        sut.Offer(Changed("a", JobStatus.Running, "lab"));
        sut.Offer(Changed("b", JobStatus.Running, "other"));
        sut.Offer(Progress("a", 1));
        sut.Offer(Progress("b", 1));

        Assert.Equal([("a", null), ("a", 1)], TakeAll());
        Assert.Equal(["a"], sut.Missed());
    }

    [Fact]
    public void WatchAll_EndToldTwice_ComesOnce()
    {
        var sut = new AllJobsWatch(null, _buffer);

        sut.Offer(Changed("a", JobStatus.Running));
        sut.Offer(Changed("a", JobStatus.Failed));
        sut.Offer(Changed("a", JobStatus.Failed));

        Assert.Equal(2, TakeAll().Count);
        Assert.Empty(sut.Missed());
    }

    private static JobChangedEvent Changed(string id, JobStatus status, string tenant = "default") => new(
        JsonSerializer.Deserialize<JobResponse>(Answers.Job, EbmClientJson.Options)! with { Id = id, Status = status, Tenant = tenant }, null);

    private static JobProgressEvent Progress(string id, long sequence) => new(id, sequence, new JobProgress());

    private List<(string, long?)> TakeAll()
    {
        List<(string, long?)> taken = [];
        while (_buffer.Take() is { } happened)
            taken.Add((happened.JobId, happened.Sequence));
        return taken;
    }
}
