using EbmService.Core.Failures;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Jobs.Queries;

namespace EbmService.Api.Tests.Fakes;

/// <summary>E(x) = |x|^2 / 2, with three classes that ignore x.</summary>
internal sealed class FakeQueryDispatcher : IQueryDispatcher
{
    internal ModelQuery? Last { get; private set; }

    internal Exception? Throws { get; set; }

    internal Failure? Fails { get; set; }

    public Task<Outcome<QueryAnswer>> AskAsync(ModelQuery query, CancellationToken cancellationToken)
    {
        Last = query;
        if (Throws is not null)
            throw Throws;
        return Task.FromResult<Outcome<QueryAnswer>>(Fails is { } failure ? failure : Answer(query).WithRowErrors());
    }

    private static QueryAnswer Answer(ModelQuery query)
    {
        int n = query.Inputs.Rows;
        float[] energies = [.. Enumerable.Range(0, n).Select(i => query.Inputs.Row(i).ToArray().Sum(x => x * x) / 2)];
        bool calibrated = query.Model.Name == "digits";
        var answer = new QueryAnswer { Energies = energies };
        return query.Kind switch
        {
            QueryKind.Energy => answer with { Gradients = query.Gradients ? query.Inputs : null },
            QueryKind.Classification => answer with
            {
                Probabilities = new TensorPayload([n, 3], [.. Enumerable.Repeat(new[] { 0.25f, 0.7f, 0.05f }, n).SelectMany(row => row)]),
                Labels = [.. Enumerable.Repeat(1, n)],
            },
            _ => answer with
            {
                Scores = new Dictionary<string, float[]> { ["logDensity"] = Array.ConvertAll(energies, energy => -energy) },
                Score = query.Score ?? "logDensity",
                PValues = calibrated ? [.. Enumerable.Repeat(0.5, n)] : null,
                Verdicts = [.. Enumerable.Repeat(calibrated ? OodVerdict.InDistribution : OodVerdict.Uncalibrated, n)],
                CalibrationId = calibrated ? "calibration-1" : null,
            },
        };
    }
}
