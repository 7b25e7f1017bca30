using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

/// <summary>What a job of many small blocks costs in changes of the disk and of the database.</summary>
public sealed class ManyBlocksTests : IAsyncLifetime
{
    private const int Blocks = 2000;

    private readonly JobsHost _host = new() { Settings = { ["Worker:Slots"] = "2" } };
    private int _changes;

    public async ValueTask InitializeAsync()
    {
        _host.Disk.OnChange = _ => Interlocked.Increment(ref _changes);
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Job_OfManyBlocks_StoresThemTogether()
    {
        int commits = _host.Database.Commits;
        string id = (await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: Blocks, steps: 2, blockSize: 1))).Id;
        JobSnapshot end = await _host.EndOfAsync(id);

        Assert.Equal(JobStatus.Succeeded, end.Status);
        Assert.Equal(string.Concat(Enumerable.Range(0, Blocks).Select(block => $"{block}:2;")), await _host.ReadResultAsync(id));
        Assert.InRange(_changes, 1, Blocks / 10);
        Assert.InRange(_host.Database.Commits - commits, 1, Blocks / 10);
        JobSnapshot longer = (await _host.Jobs.ExtendAsync(id, 1, default)).OrThrow();
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(longer.Id)).Status);
        Assert.Equal(string.Concat(Enumerable.Range(0, Blocks).Select(block => $"{block}:3;")), await _host.ReadResultAsync(longer.Id));
    }
}
