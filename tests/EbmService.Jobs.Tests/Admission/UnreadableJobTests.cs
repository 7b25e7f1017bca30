using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Data.Sqlite;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>One row that this version can't read: the job is shown as failed with the reason, and nothing else suffers.</summary>
public sealed class UnreadableJobTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-unreadable-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("UPDATE jobs SET Spec = '{'", "damaged")]
    [InlineData("UPDATE jobs SET Spec = '{\"aMemberOfTheFuture\": 1}'", "damaged")]
    [InlineData("UPDATE jobs SET Tags = 'null'", "damaged")]
    [InlineData("UPDATE jobs SET Progress = '[1]'", "damaged")]
    [InlineData("UPDATE jobs SET Results = '7'", "damaged")]
    [InlineData("UPDATE jobs SET Type = 'dreaming'", "'dreaming'")]
    [InlineData("UPDATE jobs SET Status = 'Dreaming'", "damaged")]
    [InlineData("UPDATE jobs SET CreatedAt = 9223372036854775807, Spec = '{'", "damaged")]
    public async Task EndedJob_RowUnreadable_IsShownAsFailedAndCanBeDeleted(string damage, string reason)
    {
        string bad, good;
        await using (JobsHost first = await new JobsHost(_folder).StartAsync())
        {
            bad = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 1))).Id)).Id;
            good = (await first.EndOfAsync((await first.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Id;
        }
        await DamageAsync(damage, bad);
        await using JobsHost sut = await new JobsHost(_folder).StartAsync();

        await CheckAsync(sut, bad, good, reason);
    }

    [Theory]
    [InlineData("UPDATE jobs SET Spec = '{'", "damaged")]
    [InlineData("UPDATE jobs SET Type = 'dreaming'", "'dreaming'")]
    [InlineData("UPDATE jobs SET Status = 'Dreaming'", "damaged")]
    public async Task UnfinishedJob_RowUnreadable_DoesNotStopTheStart(string damage, string reason)
    {
        (string bad, string good) = await StopWithinAJobAsync();
        await DamageAsync(damage, bad);
        await using JobsHost sut = await new JobsHost(_folder).StartAsync();

        await CheckAsync(sut, bad, good, reason);
    }

    [Fact]
    public async Task UnfinishedJob_TypeUnknown_GoesOnInTheVersionThatKnowsIt()
    {
        (string id, _) = await StopWithinAJobAsync();
        await DamageAsync("UPDATE jobs SET Type = 'dreaming'", id);
        await using (JobsHost other = await new JobsHost(_folder).StartAsync())
        {
            JobLogEntry shown = Assert.Single(await other.Jobs.WatchAsync(id, 0, default).ToListAsync());
            Assert.Equal(JobStatus.Failed, Assert.IsType<JobChangedEntry>(shown).Job.Status);
        }
        await DamageAsync("UPDATE jobs SET Type = 'sampling'", id);
        await using JobsHost sut = await new JobsHost(_folder).StartAsync();

        Assert.Equal((JobStatus.Succeeded, "0:50;"), ((await sut.EndOfAsync(id)).Status, await sut.ReadResultAsync(id)));
        Assert.Contains("open 1/0 at 1", sut.Workloads.Journal);
    }

    [Fact]
    public async Task UnfinishedJob_ArchiveCannotBeReadAtStart_GoesOn()
    {
        string id;
        await using (JobsHost first = await new JobsHost(_folder).StartAsync())
        {
            var held = new SemaphoreSlim(3);
            Script script = first.Workloads.On(1, new Script { Permits = held });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8))).Id;
            for (int step = 0; step < 4; step++)
                Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await first.StopAfterAsync(() => held.Release());
        }
        await using var sut = new JobsHost(_folder);
        var permits = new SemaphoreSlim(0);
        sut.Workloads.On(1, new Script { Permits = permits });
        await using (new FileStream(Path.Combine(_folder, "jobs", id, "checkpoints", "finished"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            await sut.StartAsync();
        permits.Release(100);

        Assert.Equal((JobStatus.Succeeded, "0:3;1:3;"), ((await sut.EndOfAsync(id)).Status, await sut.ReadResultAsync(id)));
    }

    /// <summary>A job of seed 1 that is stopped with its process after its first step, and one that has ended.</summary>
    private async Task<(string Stopped, string Ended)> StopWithinAJobAsync()
    {
        await using JobsHost host = await new JobsHost(_folder).StartAsync();
        var held = new SemaphoreSlim(0);
        Script script = host.Workloads.On(1, new Script { Permits = held });
        string ended = (await host.EndOfAsync((await host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Id;
        string stopped = (await host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await host.StopAfterAsync(() => held.Release());
        return (stopped, ended);
    }

    private static async Task CheckAsync(JobsHost sut, string bad, string good, string reason)
    {
        JobSnapshot shown = await sut.FindAsync(bad);
        Assert.Equal(JobStatus.Failed, shown.Status);
        Assert.Contains(reason, shown.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(new[] { bad, good }.Order(), (await sut.Jobs.ListAsync(new(), default)).OrThrow().Jobs.Select(job => job.Id).Order());
        Assert.Equal(JobStatus.Succeeded, (await sut.FindAsync(good)).Status);
        Assert.Equal(FailureCode.InvalidTransition, (await sut.Jobs.ResumeAsync(bad, default)).Failure?.Code);

        Assert.True((await sut.Jobs.DeleteAsync(bad, default)).Succeeded);
        Assert.Equal(FailureCode.JobNotFound, (await sut.Jobs.FindAsync(bad, default)).Failure?.Code);
        Assert.Equal(JobStatus.Succeeded, (await sut.EndOfAsync((await sut.SubmitAsync(JobsHost.Spec(seed: 3))).Id)).Status);
    }

    private async Task DamageAsync(string sql, string id)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "jobs.db")};Pooling=False");
        await connection.OpenAsync();
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql + " WHERE Id = $id";
        command.Parameters.AddWithValue("$id", id);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }
}
