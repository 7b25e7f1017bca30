using EbmService.Core.Queries;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Queries;

public sealed class QueryAnswerTests
{
    [Fact]
    public void Join_PartsWithEveryMember_AreOneAnswerInOrder()
    {
        QueryAnswer sut = QueryAnswer.Join([Part(1, 2), Part(3)]);

        Assert.Equal([1f, 2f, 3f], sut.Energies);
        Assert.Equal([3, 2], sut.Gradients!.Shape);
        Assert.Equal([1f, -1, 2, -2, 3, -3], sut.Gradients.Values);
        Assert.Equal([3, 2], sut.Probabilities!.Shape);
        Assert.Equal([1, 2, 3], sut.Labels!);
        Assert.Equal([1f, 2f, 3f], sut.Scores!["logDensity"]);
        Assert.Equal([0.1, 0.2, 0.3], sut.PValues!, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(3, sut.Verdicts!.Length);
        Assert.Equal(("logDensity", "c"), (sut.Score, sut.CalibrationId));
    }

    [Fact]
    public void Join_PartsWithEnergiesAlone_HaveNothingElse()
    {
        QueryAnswer sut = QueryAnswer.Join([new() { Energies = [1] }, new() { Energies = [2] }]);

        Assert.Equal([1f, 2f], sut.Energies);
        Assert.Null(sut.Gradients);
        Assert.Null(sut.Scores);
        Assert.Null(sut.PValues);
        Assert.Empty(sut.RowErrors);
    }

    [Fact]
    public void Join_RowErrors_AreAtTheirPlaceInTheWhole()
    {
        QueryAnswer sut = QueryAnswer.Join(
            [new QueryAnswer { Energies = [1, 2, float.NaN] }.WithRowErrors(), new QueryAnswer { Energies = [float.NaN, 5] }.WithRowErrors()]);

        Assert.Equal([2, 3], sut.RowErrors.Keys.Order());
    }

    private static QueryAnswer Part(params float[] values) => new()
    {
        Energies = values,
        Gradients = new TensorPayload([values.Length, 2], [.. values.SelectMany(value => new[] { value, -value })]),
        Probabilities = new TensorPayload([values.Length, 2], [.. values.SelectMany(value => new[] { value, 1 - value })]),
        Labels = [.. values.Select(value => (int)value)],
        Scores = new Dictionary<string, float[]> { ["logDensity"] = values },
        Score = "logDensity",
        PValues = [.. values.Select(value => value / 10.0)],
        Verdicts = [.. values.Select(_ => OodVerdict.InDistribution)],
        CalibrationId = "c",
    };
}
