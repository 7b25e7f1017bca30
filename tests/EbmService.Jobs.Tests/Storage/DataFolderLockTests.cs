using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

public sealed class DataFolderLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-lock-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_FolderInUse_IsRefusedUntilTheOtherStops()
    {
        await using var first = await new JobsHost(_folder).StartAsync();
        await using var second = new JobsHost(_folder);

        var refusal = await Assert.ThrowsAsync<StorageUnavailableException>(second.StartAsync);
        await first.StopAsync();
        await using var third = await new JobsHost(_folder).StartAsync();

        Assert.Contains("Storage:DataPath", refusal.Message);
        Assert.Contains("Another process", refusal.Message);
        Assert.Equal(JobStatus.Succeeded, (await third.EndOfAsync((await third.SubmitAsync()).Id)).Status);
    }

    [Fact]
    public async Task FollowsUncleanEnd_AfterAStopAndAfterADeath_TellsThemApart()
    {
        await using (var first = await new JobsHost(_folder).StartAsync())
            Assert.False(first.Get<DataFolderLock>().FollowsUncleanEnd);
        byte[] left;
        await using (var stopped = await new JobsHost(_folder).StartAsync())
        {
            Assert.False(stopped.Get<DataFolderLock>().FollowsUncleanEnd);
            left = new byte[new FileInfo(Path.Combine(_folder, "lock")).Length];
        }
        // As a process leaves it that never comes to its stop.
        await File.WriteAllBytesAsync(Path.Combine(_folder, "lock"), left, TestContext.Current.CancellationToken);
        await using var afterDeath = await new JobsHost(_folder).StartAsync();

        Assert.NotEmpty(left);
        Assert.True(afterDeath.Get<DataFolderLock>().FollowsUncleanEnd);
    }

    [Fact]
    public async Task Start_FolderThatCannotBe_IsRefusedWithTheSetting()
    {
        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "");
        await using var sut = new JobsHost(Path.Combine(file, "data"));

        var refusal = await Assert.ThrowsAsync<StorageUnavailableException>(sut.StartAsync);

        Assert.Contains("Storage:DataPath", refusal.Message);
        Assert.DoesNotContain("Another process", refusal.Message);
    }
}
