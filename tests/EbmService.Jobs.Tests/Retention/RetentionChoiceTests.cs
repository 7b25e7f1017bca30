using EbmService.Jobs.Retention;

namespace EbmService.Jobs.Tests.Retention;

public sealed class RetentionChoiceTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Choose_WithoutSettings_TakesNone() =>
        Assert.Empty(RetentionChoice.Choose([Job("a", daysAgo: 1000, bytes: long.MaxValue / 4)], Now, null, null));

    [Fact]
    public void Choose_ByAge_TakesWhatIsAsOldOrOlderAndNotKept() => Assert.Equal(
        [("c", SweepReason.Age), ("a", SweepReason.Age)],
        RetentionChoice.Choose(
            [Job("a", daysAgo: 7), Job("b", daysAgo: 6.99), Job("c", daysAgo: 9), Job("d", daysAgo: 9, keep: true)], Now, TimeSpan.FromDays(7), null));

    [Fact]
    public void Choose_ByBytes_TakesTheOldestUntilTheRestFits() => Assert.Equal(
        [("old", SweepReason.Bytes), ("middle", SweepReason.Bytes)],
        RetentionChoice.Choose([Job("new", 1, 60), Job("middle", 2, 50), Job("old", 3, 10), Job("kept", 9, 1000, keep: true)], Now, null, 60));

    [Fact]
    public void Choose_ByBytes_LeavesWhatHasJustEnded() =>
        Assert.Equal(["old"], RetentionChoice.Choose([Job("new", 0.001, 1000), Job("old", 1, 10)], Now, null, 60).Select(one => one.Id));

    /// <summary>Random jobs and settings: what has to hold of any choice, checked without choosing again.</summary>
    [Fact]
    public void Choose_OfRandomJobs_TakesAllThatIsDueAndNoMoreThanItMust()
    {
        var random = new Random(20261128);
        int byAge = 0, byBytes = 0;
        for (int round = 0; round < 5000; round++)
        {
            RetainedJob[] jobs = [.. Enumerable.Range(0, random.Next(0, 12)).Select(i => new RetainedJob(
                $"{i}", Now.AddMinutes(-random.Next(0, 60)), random.Next(4) == 0, random.Next(0, 5) * 10))];
            TimeSpan? age = random.Next(2) == 0 ? TimeSpan.FromMinutes(random.Next(1, 60)) : null;
            long? maxBytes = random.Next(2) == 0 ? random.Next(0, 200) : null;

            (string Id, SweepReason Reason)[] chosen = [.. RetentionChoice.Choose(jobs, Now, age, maxBytes)];

            string[] ids = [.. chosen.Select(one => one.Id)];
            Dictionary<string, RetainedJob> byId = jobs.ToDictionary(job => job.Id);
            RetainedJob[] left = [.. jobs.Where(job => !job.Keep && !ids.Contains(job.Id))];
            Assert.Equal(ids.Length, ids.Distinct().Count());
            Assert.DoesNotContain(ids, id => byId[id].Keep);
            Assert.DoesNotContain(left, job => job.FinishedAt + age <= Now);
            Assert.All(chosen.Where(one => one.Reason == SweepReason.Age), one => Assert.True(byId[one.Id].FinishedAt + age <= Now));
            Assert.All(chosen.Where(one => one.Reason == SweepReason.Bytes), one => Assert.True(byId[one.Id].FinishedAt + RetentionChoice.Grace <= Now));
            // Oldest first: none that stays ended before one that goes.
            Assert.All(ids, id => Assert.DoesNotContain(left, job => job.FinishedAt < byId[id].FinishedAt));
            // What is left fits, or may not go yet.
            long leftBytes = left.Sum(job => job.Bytes);
            Assert.True(!(leftBytes > maxBytes) || left.Min(job => job.FinishedAt) + RetentionChoice.Grace > Now);
            // The last that went by size had to.
            if (chosen is [.., (var last, SweepReason.Bytes)])
                Assert.True(leftBytes + byId[last].Bytes > maxBytes);
            byAge += chosen.Count(one => one.Reason == SweepReason.Age);
            byBytes += chosen.Count(one => one.Reason == SweepReason.Bytes);
        }
        Assert.True(byAge > 1000 && byBytes > 1000, $"{byAge} by age, {byBytes} by size");
    }

    [Fact]
    public void Pins_APinnedJob_DoesNotLeaveAndOneThatLeavesIsNotPinned()
    {
        var sut = new JobPins();
        IDisposable first = sut.TryPin("a")!, second = sut.TryPin("a")!;
        first.Dispose();
        first.Dispose();
        Assert.False(sut.TryLeave("a"));
        second.Dispose();
        Assert.True(sut.TryLeave("a"));
        Assert.Null(sut.TryPin("a"));
        sut.Left("a");
        Assert.NotNull(sut.TryPin("a"));
    }

    private static RetainedJob Job(string id, double daysAgo, long bytes = 1, bool keep = false) => new(id, Now.AddDays(-daysAgo), keep, bytes);
}
