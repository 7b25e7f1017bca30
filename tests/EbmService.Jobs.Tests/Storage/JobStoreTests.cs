using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

public sealed class JobStoreTests : IAsyncLifetime
{
    /// <summary>More than SQLite takes parameters in one statement.</summary>
    private const int Many = 40_000;

    private readonly JobsHost _host = new();
    private readonly string _id = Guid.CreateVersion7().ToString("N");

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task CompleteBlocks_VeryMany_AreStored()
    {
        JobStore sut = await InsertAsync(Many);

        Assert.True(await sut.BeginResultsAsync(_id, 0, [.. Enumerable.Range(0, Many)]));
        Assert.True(await sut.CompleteBlocksAsync(_id, 0, Completed(Many)));
        JobRow row = (await sut.FindWithBlocksAsync(_id, default))!;
        Assert.All(row.Blocks, block => Assert.Equal((BlockRowState.Done, $"{block.Index}"), (block.State, block.ResultSha256)));
    }

    [Fact]
    public async Task CompleteBlocks_OneOfANewerProcess_StoresNone()
    {
        JobStore sut = await InsertAsync(2001);
        await _host.EditBeforeStartAsync(_id, row => row.Blocks.Single(block => block.Index == 2000).LeaseEpoch = 1);

        Assert.False(await sut.BeginResultsAsync(_id, 0, [.. Enumerable.Range(0, 2001)]));
        Assert.False(await sut.CompleteBlocksAsync(_id, 0, Completed(2001)));
        Assert.All((await sut.FindWithBlocksAsync(_id, default))!.Blocks, block => Assert.Equal(BlockRowState.Waiting, block.State));
    }

    private async Task<JobStore> InsertAsync(int blocks)
    {
        var job = new JobSnapshot
        {
            Id = _id, Status = JobStatus.Cancelled, Models = JobsHost.Submission().Models, Spec = JobsHost.Spec(), Progress = new JobProgress(),
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        JobStore store = _host.Get<JobStore>();
        await store.InsertAsync(JobRowMapper.ToRow(job, JobPlan.Create(blocks, 1, _ => 3), epoch: 0), null);
        return store;
    }

    private static CompletedBlock[] Completed(int count) =>
        [.. Enumerable.Range(0, count).Select(index => new CompletedBlock(index, 3, $"{index}"))];
}
