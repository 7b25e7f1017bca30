using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using EbmService.Inference.Queries;
using EbmService.Inference.Tests.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TorchSharp;

namespace EbmService.Inference.Tests.Queries;

/// <summary>Through a real repository on disk: a small JEM with a calibration, and a Gaussian without one.</summary>
public sealed class QueryEvaluatorTests : IDisposable
{
    private static readonly ModelKey Jem = new("jem", "1");
    private static readonly ModelKey Gaussian = new("gaussian", "1");
    private readonly TemporaryFolder _folder = new();
    private readonly LiveModelPool _pool;
    private readonly QueryEvaluator _sut;

    public QueryEvaluatorTests()
    {
        TestModels.Write(_folder.Path, "jem", "conv-jem", calibration: [-3, -2, -1, 0, 1, 2, 3, 4, 5]);
        TestModels.Write(_folder.Path, "gaussian", "gaussian");
        TestModels.Write(_folder.Path, "mlp", "mlp");
        TestModels.Write(_folder.Path, "partly", "conv-jem", calibration: [1, 2, 3], scores: [OodScorer.LogDensity]);
        var repository = new ModelRepository(
            Options.Create(new ModelsOptions { Path = _folder.Path }), NullLogger<ModelRepository>.Instance);
        _pool = new LiveModelPool(repository, new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" })), Options.Create(new ModelsOptions()));
        _sut = new QueryEvaluator(_pool);
    }

    [Fact]
    public void Evaluate_Energy_IsTheModelsEnergy()
    {
        // Precision [[2, .5], [.5, 1]], mean (.5, -.5): at (2.5, .5) the centred point is (2, 1), E = (8 + 2 + 1) / 2.
        QueryAnswer answer = Ask(Query(Gaussian, QueryKind.Energy, [2.5f, 0.5f, 0.5f, -0.5f], [2, 2]));

        Assert.Equal([5.5f, 0f], answer.Energies);
        Assert.Null(answer.Gradients);
    }

    [Fact]
    public void Evaluate_EnergyWithGradients_GivesTheGradientPerInput()
    {
        QueryAnswer answer = Ask(Query(Gaussian, QueryKind.Energy, [2.5f, 0.5f, 0.5f, -0.5f], [2, 2]) with { Gradients = true });

        // P (x - m) = (2*2 + .5*1, .5*2 + 1*1).
        Assert.Equal([4.5f, 2f, 0f, 0f], answer.Gradients!.Values);
        Assert.Equal([2, 2], answer.Gradients.Shape);
    }

    [Theory]
    [InlineData(QueryKind.Energy)]
    [InlineData(QueryKind.Classification)]
    [InlineData(QueryKind.OutOfDistribution)]
    public void Evaluate_AmongStrangers_GivesTheSameBitsAsAlone(QueryKind kind)
    {
        // The small calibration resolves tenths.
        ModelQuery mine = Query(Jem, kind, Noise(3, seed: 1), [3, 1, 8, 8]) with { Alpha = 0.2 };
        QueryAnswer alone = Ask(mine);

        IReadOnlyList<Outcome<QueryAnswer>> crowd = _sut.Evaluate(
        [
            Query(Jem, kind, Noise(5, seed: 2), [5, 1, 8, 8]) with { Alpha = 0.2 },
            Query(Gaussian, QueryKind.Energy, [1, 1], [1, 2]),
            mine,
            Query(Jem, kind, Noise(11, seed: 3), [11, 1, 8, 8]) with { Alpha = 0.2 },
        ]);

        QueryAnswer among = crowd[2].OrThrow();
        Assert.Equal(alone.Energies, among.Energies);
        Assert.Equal(alone.Probabilities?.Values, among.Probabilities?.Values);
        Assert.Equal(alone.Scores?.Values, among.Scores?.Values);
        Assert.Equal(11, crowd[3].OrThrow().Energies.Length);
    }

    /// <summary>The dispatcher cuts a query anywhere between two tiles, and packs rows of several together.</summary>
    [Theory]
    [InlineData("jem", QueryKind.Energy, 0)]
    [InlineData("jem", QueryKind.Classification, 0)]
    [InlineData("jem", QueryKind.Classification, 3)]
    [InlineData("jem", QueryKind.OutOfDistribution, 0)]
    [InlineData("mlp", QueryKind.Energy, 0)]
    [InlineData("mlp", QueryKind.OutOfDistribution, 0)]
    [InlineData("gaussian", QueryKind.Energy, 0)]
    public void Evaluate_RowWhateverBatchItCameIn_HasTheSameBits(string name, QueryKind kind, int refineSteps)
    {
        // As on a slot.
        TorchSharp.torch.set_num_threads(1);
        int[] shape = name == "jem" ? [45, 1, 8, 8] : [45, 2];
        int length = shape.Skip(1).Aggregate(1, (product, size) => product * size);
        var random = new Random(8);
        ModelQuery whole = Query(new(name, "1"), kind, [.. Enumerable.Range(0, 45 * length).Select(_ => random.NextSingle() * 2 - 1)], shape) with
        {
            Alpha = 0.5, RefineSteps = refineSteps, Gradients = kind == QueryKind.Energy,
        };
        QueryAnswer expected = Ask(whole);

        QueryAnswer Cut(params int[] rows)
        {
            int first = 0;
            var parts = new List<QueryAnswer>();
            foreach (int count in rows)
            {
                parts.Add(Ask(whole with { Inputs = whole.Inputs.Slice(first, count) }));
                first += count;
            }
            return QueryAnswer.Join(parts);
        }

        foreach (QueryAnswer sut in new[] { Cut(32, 13), Cut(8, 16, 8, 13), Cut([.. Enumerable.Repeat(1, 45)]), Cut(7, 3, 11, 24) })
        {
            Assert.Equal(expected.Energies, sut.Energies);
            Assert.Equal(expected.Gradients?.Values, sut.Gradients?.Values);
            Assert.Equal(expected.Probabilities?.Values, sut.Probabilities?.Values);
            Assert.Equal(expected.PValues, sut.PValues);
            Assert.Equal(expected.Scores?.OrderBy(score => score.Key).SelectMany(score => score.Value), sut.Scores?.OrderBy(score => score.Key).SelectMany(score => score.Value));
        }
    }

    [Fact]
    public void Evaluate_Classification_GivesProbabilitiesAndTheLargest()
    {
        QueryAnswer answer = Ask(Query(Jem, QueryKind.Classification, Noise(4, seed: 5), [4, 1, 8, 8]));

        for (int row = 0; row < 4; row++)
        {
            float[] probabilities = answer.Probabilities!.Row(row).ToArray();
            Assert.Equal(1, probabilities.Sum(), 1e-5);
            Assert.Equal(probabilities.Max(), probabilities[answer.Labels![row]]);
        }
    }

    [Fact]
    public void Evaluate_RefineSteps_LowersTheEnergy()
    {
        ModelQuery query = Query(Jem, QueryKind.Classification, Noise(4, seed: 5), [4, 1, 8, 8]);

        float[] before = Ask(query).Energies;
        float[] after = Ask(query with { RefineSteps = 25 }).Energies;

        Assert.All(before.Zip(after), pair => Assert.True(pair.Second < pair.First));
    }

    [Fact]
    public void Evaluate_Ood_GivesScoresPValuesAndVerdicts()
    {
        QueryAnswer answer = Ask(Query(Jem, QueryKind.OutOfDistribution, Noise(2, seed: 6), [2, 1, 8, 8]) with { Alpha = 0.2 });

        Assert.Equal(
            [OodScorer.ApproximateMass, OodScorer.LogDensity, OodScorer.MaxLogit, OodScorer.MaxProbability, OodScorer.NegativeEntropy, OodScorer.Typicality],
            answer.Scores!.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(answer.Energies.Select(energy => -energy), answer.Scores[OodScorer.LogDensity]);
        for (int i = 0; i < 2; i++)
        {
            float score = answer.Scores[OodScorer.LogDensity][i];
            int below = new[] { -3, -2, -1, 0, 1, 2, 3, 4, 5 }.Count(value => value <= score);
            Assert.Equal((1 + below) / 10.0, answer.PValues![i], 1e-12);
            Assert.Equal(answer.PValues[i] <= 0.2 ? OodVerdict.OutOfDistribution : OodVerdict.InDistribution, answer.Verdicts![i]);
        }
        Assert.StartsWith("sha256:", answer.CalibrationId, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_OodWithoutCalibration_SaysSo()
    {
        QueryAnswer answer = Ask(Query(Gaussian, QueryKind.OutOfDistribution, [1, 1], [1, 2]));

        Assert.Null(answer.PValues);
        Assert.Equal([OodVerdict.Uncalibrated], answer.Verdicts!);
    }

    [Fact]
    public void Evaluate_OodScoreThatTheCalibrationLacks_IsUncalibrated()
    {
        ModelQuery query = Query(new ModelKey("partly", "1"), QueryKind.OutOfDistribution, Noise(1, 1), [1, 1, 8, 8]);

        QueryAnswer answer = Ask(query with { Score = OodScorer.MaxLogit });

        Assert.Null(answer.PValues);
        Assert.Equal([OodVerdict.Uncalibrated], answer.Verdicts!);
        Assert.NotNull(Ask(query with { Alpha = 0.5 }).PValues);
    }

    // 9 calibration rows: the smallest p-value is 0.1. Typicality has the 4 odd ones of them: 0.2.
    [Theory]
    [InlineData(OodScorer.LogDensity, 0.1, 0.0999)]
    [InlineData(OodScorer.Typicality, 0.2, 0.1999)]
    public void Evaluate_OodAlphaFinerThanTheCalibration_IsRefusedWithTheRemedy(string score, double fine, double tooFine)
    {
        ModelQuery query = Query(Jem, QueryKind.OutOfDistribution, Noise(1, 1), [1, 1, 8, 8]) with { Score = score };

        Assert.NotNull(Ask(query with { Alpha = fine }).Verdicts);
        Failure refused = _sut.Evaluate([query with { Alpha = tooFine }])[0].Failure!;

        Assert.Equal(FailureCode.InvalidRequest, refused.Code);
        FieldError error = Assert.Single(refused.Fields);
        Assert.Equal("alpha", error.Field);
        Assert.Contains($"at least {fine}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_WhatTheModelCannot_FailsOnlyThatQuery()
    {
        IReadOnlyList<Outcome<QueryAnswer>> answers = _sut.Evaluate(
        [
            Query(Gaussian, QueryKind.Classification, [1, 1], [1, 2]),
            Query(new ModelKey("nobody", "1"), QueryKind.Energy, [1, 1], [1, 2]),
            Query(Jem, QueryKind.OutOfDistribution, Noise(1, 1), [1, 1, 8, 8]) with { Score = "magic" },
            Query(Gaussian, QueryKind.Energy, [1, 1], [1, 2]),
        ]);

        Assert.Equal(
            [FailureCode.NotSupported, FailureCode.ModelNotFound, FailureCode.InvalidRequest, null],
            answers.Select(answer => answer.Failure?.Code));
    }

    [Fact]
    public void Evaluate_HundredTimes_LeavesNoTensors()
    {
        ModelQuery[] queries =
        [
            Query(Jem, QueryKind.Energy, Noise(9, 1), [9, 1, 8, 8]) with { Gradients = true },
            Query(Jem, QueryKind.Classification, Noise(9, 1), [9, 1, 8, 8]) with { RefineSteps = 2 },
            Query(Jem, QueryKind.OutOfDistribution, Noise(9, 1), [9, 1, 8, 8]) with { Alpha = 0.5 },
        ];
        _sut.Evaluate(queries);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 100; i++)
            _sut.Evaluate(queries);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private QueryAnswer Ask(ModelQuery query) => _sut.Evaluate([query])[0].OrThrow();

    private static ModelQuery Query(ModelKey model, QueryKind kind, float[] values, int[] shape) =>
        new() { Model = model, Kind = kind, Inputs = new TensorPayload(shape, values) };

    private static float[] Noise(int rows, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * 64).Select(_ => (float)(2 * random.NextDouble() - 1))];
    }

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }
}
