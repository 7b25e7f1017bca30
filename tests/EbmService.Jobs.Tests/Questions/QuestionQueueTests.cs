using EbmService.Jobs.Questions;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Questions;

public sealed class QuestionQueueTests
{
    private readonly QuestionQueue _sut = new();

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
    public void Take_OneQuestion_IsCutInWholeTiles(int rows, int slots, int maxRows, int[] expected)
    {
        _sut.Add(Question(rows));

        int[] taken = [.. Enumerable.Range(0, expected.Length).Select(_ => Assert.Single(_sut.Take(slots, maxRows)).Rows)];

        Assert.Equal(expected, taken);
        Assert.Empty(_sut.Take(slots, maxRows));
        Assert.Equal((0, 0), (_sut.Count, _sut.Rows));
    }

    [Fact]
    public void Take_ManySmallQuestions_GoTogetherInOrder()
    {
        foreach (int rows in new[] { 1, 3, 20, 100, 2 })
            _sut.Add(Question(rows));

        // 126 rows over 2 slots: 64 of them are 1, 3, 20 and five tiles of the next.
        Assert.Equal([1, 3, 20, 40], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal([32], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal([28, 2], _sut.Take(2, 256).Select(part => part.Rows));
    }

    [Fact]
    public void Take_Parts_HoldTheRowsOfTheirPlaces()
    {
        _sut.Add(new PendingQuestion(JobsHost.Query([.. Enumerable.Range(0, 80).Select(row => (float)row)])));

        Assert.Equal(Enumerable.Range(0, 40).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
        Assert.Equal(Enumerable.Range(40, 32).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
        Assert.Equal(Enumerable.Range(72, 8).Select(row => (float)row), _sut.Take(2, 256)[0].Query.Inputs.Values);
    }

    [Fact]
    public void Remove_AQuestionOfWhichAPartIsTaken_LeavesTheOthers()
    {
        LinkedListNode<PendingQuestion> first = _sut.Add(Question(100));
        _sut.Add(Question(5));
        _sut.Take(2, 256);

        _sut.Remove(first);
        _sut.Remove(first);

        Assert.Equal((1, 5), (_sut.Count, _sut.Rows));
        Assert.Equal([5], _sut.Take(2, 256).Select(part => part.Rows));
    }

    [Fact]
    public void Take_AQuestionThatIsOver_IsPassedBy()
    {
        var over = Question(100);
        _sut.Add(over);
        _sut.Add(Question(5));
        _sut.Take(2, 256);
        over.Drop(default);

        Assert.Equal([5], _sut.Take(2, 256).Select(part => part.Rows));
        Assert.Equal((0, 0), (_sut.Count, _sut.Rows));
    }

    private static PendingQuestion Question(int rows) => new(JobsHost.Query(new float[rows]));
}
