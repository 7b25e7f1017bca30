using System.Text.Json;
using EbmService.Core.Assessment;
using EbmService.Core.Calibration;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Core.Tests.Scoring;

namespace EbmService.Core.Tests.Rows;

/// <summary>Types that work with classes refuse a dataset with rows of a class that the model does not have.</summary>
public sealed class LabelsOfDatasetsTests : IDatasets
{
    private readonly Dataset _dataset = new("rows", 100, [2], Dataset.Float32, -1, 1, false, "00", 1)
    {
        LabelsSha256 = "11", LabelCounts = new Dictionary<int, int> { [0] = 99, [3] = 1 }, CreatedAt = default,
    };

    [Theory]
    [InlineData("calibration", """{"name": "mine", "data": {"dataset": "rows"}}""", "spec.data.dataset")]
    [InlineData("assessment", """{"inDistribution": {"dataset": "rows"}, "outOfDistribution": [{"name": "far", "rows": {"data": [[3, 3]]}}]}""", "spec.inDistribution.dataset")]
    [InlineData("robustness", """{"inputs": {"dataset": "rows"}}""", "spec.inputs.dataset")]
    public async Task Accept_ClassThatTheModelDoesNotHave_IsRefused(string type, string spec, string field)
    {
        FieldError error = Assert.Single((await OfferAsync(type, spec, classes: 3)).Failure?.Fields ?? []);

        Assert.Equal((field, true), (error.Field, error.Message.Contains("class 3", StringComparison.Ordinal)));
        Assert.True((await OfferAsync(type, spec, classes: 4)).Succeeded);
    }

    public Outcome<Dataset> Find(string name) => _dataset;

    public IReadOnlyList<Dataset> List() => [_dataset];

    public Stream Open(string sha256) => Stream.Null;

    private Task<Outcome<AcceptedJob>> OfferAsync(string type, string spec, int classes)
    {
        HostedModel model = ScoringCaller.Model(ScoringCaller.Plane.Descriptor!.Input) with { Capabilities = new() { Classes = classes } };
        JobProposal Proposal<T>() =>
            new(JsonSerializer.Deserialize<T>(spec, EbmJson.Options), [model], "cpu", new JobLimits(), new ScoringCaller(), _ => null, () => 1) { Datasets = this };
        CancellationToken cancel = TestContext.Current.CancellationToken;
        return type switch
        {
            "calibration" => CalibrationAcceptance.AcceptAsync(Proposal<CalibrationRequest>(), cancel),
            "assessment" => AssessmentAcceptance.AcceptAsync(Proposal<AssessmentRequest>(), new NoCalibrations(), cancel),
            _ => RobustnessAcceptance.AcceptAsync(Proposal<RobustnessRequest>(), cancel),
        };
    }
}
