using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace EbmService.Jobs.Tests.Storage;

public sealed class MigrationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-migration-").FullName;
    private readonly string _id = Guid.CreateVersion7().ToString("N");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_OnADatabaseOfTheFirstVersion_UpgradesItAndGoesOnWithItsJobs()
    {
        await MakeOldDatabaseAsync();
        await using var host = new JobsHost(_folder);
        await host.StartAsync();
        JobSnapshot end = await host.EndOfAsync(_id);

        Assert.Equal((JobStatus.Succeeded, 2, "default"), (end.Status, end.Attempt, end.Tenant));
        Assert.Equal("0:3;1:3;", await host.ReadResultAsync(_id));
    }

    [Fact]
    public async Task Start_AfterAProcessThatWasKilledWhileMigrating_Goes()
    {
        await MakeOldDatabaseAsync();
        await using (JobsDbContext context = Open())
            await context.Database.ExecuteSqlRawAsync("INSERT INTO \"__EFMigrationsLock\" VALUES (1, '2026-11-25 02:16:00+00:00')");

        await using var host = new JobsHost(_folder);
        await host.StartAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync(_id)).Status);
    }

    private JobsDbContext Open() =>
        new(new DbContextOptionsBuilder<JobsDbContext>().UseSqlite($"Data Source={Path.Combine(_folder, "jobs.db")};Pooling=False").Options);

    private async Task MakeOldDatabaseAsync()
    {
        await using JobsDbContext context = Open();
        await context.GetService<IMigrator>().MigrateAsync("20261124000000_Initial");
        string spec = JobRowMapper.ToJson<JobSpec>(JobsHost.Spec(seed: 5, chains: 8)).Replace("{\"chains\"", "{\"type\":\"sampling\",\"chains\"", StringComparison.Ordinal);
        const string progress = """{"fraction":0.25,"step":3,"totalSteps":12,"chains":8,"energyMean":1}""";
        await context.Database.ExecuteSqlAsync($"""
            INSERT INTO jobs (Id, Status, Type, ModelName, ModelVersion, ModelDigest, Spec, Priority, Tags, Attempt, Epoch, LastSequence, CreatedAt, Progress, Results)
            VALUES ({_id}, 'Running', 'Sampling', 'm', '1', 'sha256:00', {spec}, 0, '[]', 1, 0, 0, 638000000000000000, {progress}, '[]')
            """);
        // The first version kept no hashes: what it had done is done again.
        await context.Database.ExecuteSqlAsync(
            $"INSERT INTO blocks (JobId, \"Index\", FirstChain, Chains, Steps, State, LeaseEpoch, Step) VALUES ({_id}, 0, 0, 4, 3, 'Done', 0, 3), ({_id}, 1, 4, 4, 3, 'Waiting', 0, 0)");
    }
}
