using EbmService.Jobs.Queries;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Queries;

public sealed class QueryQueueTests
{
    private readonly QueryQueue _sut = new();

    [Theory]
    // Half of what waits, then of what is left; four tiles at least.
    [InlineData(256, 2, 256, new[] { 128, 64, 32, 32 })]
    [InlineData(256, 1, 256, new[] { 256 })]
    [InlineData(300, 2, 256, new[] { 152, 80, 40, 28 })]
    // At most the limit, in whole tiles.
    [InlineData(100, 1, 30, new[] { 24, 24, 24, 28 })]
    // A limit below a tile is one tile.
    [InlineData(20, 2, 1, new[] { 8, 8, 4 })]
    [InlineData(1, 8, 256, new[] { 1 })]
    public void Take_OneQuery_IsCutInWholeTiles(int rows, int slots, int maxRows, int[] expected)
    {
        _sut.Add(Query(rows));

        int[] taken = [.. Enumerable.Range(0, expected.Length).Select(_ => Assert.Single(_sut.Take(slots, maxRows)).Rows)];

        Assert.Equal(expected, taken);
        Assert.Empty(_sut.Take(slots, maxRows));
        Assert.Equal((0, 0), (_sut.Count, _sut.Rows));
    }

    [Fact]
    public void Take_ManySmallQueries_GoTogetherInOrder()
    {
        foreach (int rows in new[] { 1, 3, 20, 100, 2 })
            _sut.Add(Query(rows));

        // 126 rows over 2 slots: 64 of them are 1, 3, 20 and five tiles of the next.
        Assert.Equal([1, 3, 20, 40], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal([32], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal([28, 2], _sut.Take(2, 256).Select(part => part.Rows));
    }

    [Theory]
    [InlineData(27, new[] { 24, 3 })]
    [InlineData(13, new[] { 8, 5 })]
    [InlineData(16, new[] { 16 })]
    [InlineData(7, new[] { 7 })]
    [InlineData(70, new[] { 40, 24, 6 })]
    public void Take_LeavingTheRest_TakesWholeTilesWhereThereAreSome(int queries, int[] expected)
    {
        for (int i = 0; i < queries; i++)
            _sut.Add(Query(1));

        Assert.Equal(expected, expected.Select(_ => _sut.Take(2, 256, leavesRest: true).Sum(part => part.Rows)).ToArray());
        Assert.Equal(0, _sut.Count);
    }

    [Fact]
    public void Take_Parts_HoldTheRowsOfTheirPlaces()
    {
        _sut.Add(new PendingQuery(JobsHost.Query([.. Enumerable.Range(0, 80).Select(row => (float)row)])));

        Assert.Equal(Enumerable.Range(0, 40).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
        Assert.Equal(Enumerable.Range(40, 32).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
        Assert.Equal(Enumerable.Range(72, 8).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
    }

    [Fact]
    public void Remove_AQueryOfWhichAPartIsTaken_LeavesTheOthers()
    {
        LinkedListNode<PendingQuery> first = _sut.Add(Query(100));
        _sut.Add(Query(5));
        _sut.Take(2, 256);

        _sut.Remove(first);
        _sut.Remove(first);

        Assert.Equal((1, 5), (_sut.Count, _sut.Rows));
        Assert.Equal([5], _sut.Take(2, 256).Select(part => part.Rows));
    }

    [Fact]
    public void Take_AQueryThatIsOver_IsPassedBy()
    {
        var over = Query(100);
        _sut.Add(over);
        _sut.Add(Query(5));
        _sut.Take(2, 256);
        over.Drop(default);

        Assert.Equal([5], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal((0, 0), (_sut.Count, _sut.Rows));
    }

    private static PendingQuery Query(int rows) => new(JobsHost.Query(new float[rows]));
}
