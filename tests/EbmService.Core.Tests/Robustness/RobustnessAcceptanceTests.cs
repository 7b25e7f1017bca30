using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Core.Tests.Scoring;

namespace EbmService.Core.Tests.Robustness;

public sealed class RobustnessAcceptanceTests
{
    private const string Two = """ "inputs": {"data": [[0.5, 1], [2, -3]], "labels": [0, 1]} """;

    [Fact]
    public async Task Accept_OfRowsAndLabels_FillsInTheAttack()
    {
        AcceptedJob accepted = (await OfferAsync($$"""{ {{Two}} }""")).OrThrow();

        var spec = (RobustnessSpec)accepted.Spec;
        Assert.Equal((AttackMethod.Pgd, AttackNorm.Linf, 40, 0.0625, 1, true), (spec.Method, spec.Norm, spec.Steps, spec.StepSize, spec.Restarts, spec.RandomStart));
        Assert.Equal([AttackCurve.Direct], spec.Curves);
        Assert.Equal(["inputs.npy", "labels-inputs.npy"], spec.Inputs.Select(input => input.Name));
        Assert.Equal(2, accepted.Attachments.Count);
    }

    [Fact]
    public async Task Accept_Fgsm_IsOneStepOfTheWholeRadius()
    {
        var spec = (RobustnessSpec)(await OfferAsync($$"""{ {{Two}}, "method": "fgsm"}""")).OrThrow().Spec;

        Assert.Equal((1, 1.0, 1, false), (spec.Steps, spec.StepSize, spec.Restarts, spec.RandomStart));
    }

    [Fact]
    public async Task Accept_SourceAndRefinement_GiveACurveEach()
    {
        var spec = (RobustnessSpec)(await OfferAsync($$"""{ {{Two}}, "refinement": {"steps": 4, "stepSize": 0.5, "noise": 0.1} }""", source: Model(3))).OrThrow().Spec;

        Assert.Equal([AttackCurve.Direct, AttackCurve.Refined, AttackCurve.Source, AttackCurve.Transfer], spec.Curves);
        Assert.Equal((4, 0.5, 0.1, 5), (spec.Refinement!.Chain.Steps, spec.Refinement.Chain.StepSize, spec.Refinement.Chain.Noise, spec.Refinement.Chains));
    }

    [Theory]
    [InlineData("""{}""", "spec.inputs")]
    [InlineData("""{"inputs": {"data": [[0, 1]]}}""", "spec.inputs.labels")]
    [InlineData("""{"inputs": {"data": [[0, 1]], "labels": [3]}}""", "spec.inputs.labels")]
    [InlineData("""{"inputs": {"data": [[0, 1]], "labels": [-1]}}""", "spec.inputs.labels")]
    [InlineData("""{"inputs": {"data": [[0, 1]], "labels": [0, 1]}}""", "spec.inputs.labels")]
    [InlineData("""{"inputs": {"data": [[0, 9]], "labels": [0]}}""", "spec.inputs.data[0][1]")]
    [InlineData("""{TWO, "radii": []}""", "spec.radii")]
    [InlineData("""{TWO, "radii": [-0.1]}""", "spec.radii")]
    [InlineData("""{TWO, "radii": [1.1]}""", "spec.radii")]
    [InlineData("""{TWO, "norm": "l2", "radii": [1.5]}""", "spec.radii")]
    [InlineData("""{TWO, "radii": [0.2, 0.2]}""", "spec.radii")]
    [InlineData("""{TWO, "steps": 1000000}""", "spec.steps")]
    [InlineData("""{TWO, "steps": 0}""", "spec.steps")]
    [InlineData("""{TWO, "stepSize": 0}""", "spec.stepSize")]
    [InlineData("""{TWO, "restarts": 21}""", "spec.restarts")]
    [InlineData("""{TWO, "restarts": 2, "randomStart": false}""", "spec.restarts")]
    [InlineData("""{TWO, "method": "fgsm", "steps": 3}""", "spec.steps")]
    [InlineData("""{TWO, "method": "fgsm", "randomStart": true}""", "spec.randomStart")]
    [InlineData("""{TWO, "blockSize": 7}""", "spec.blockSize")]
    [InlineData("""{TWO, "seed": -1}""", "spec.seed")]
    [InlineData("""{TWO, "refinement": {"steps": 201}}""", "spec.refinement.steps")]
    [InlineData("""{TWO, "refinement": {"chains": 0}}""", "spec.refinement.chains")]
    [InlineData("""{TWO, "refinement": {"recipe": "nothing"}}""", "spec.refinement.recipe")]
    [InlineData("""{TWO, "refinement": {"stepSize": -1}}""", "spec.refinement.stepSize")]
    public async Task Accept_OfBadInput_NamesTheMember(string spec, string field) => Assert.Equal(
        field, Assert.Single((await OfferAsync(spec.Replace("TWO", Two, StringComparison.Ordinal))).Failure?.Fields ?? []).Field);

    [Theory]
    [InlineData(0, VariableKind.Continuous, "classes")]
    [InlineData(3, VariableKind.Binary, "continuous variables")]
    public async Task Accept_OfAModelThatCannotBeAttacked_NamesWhatItLacks(int classes, VariableKind variables, string words)
    {
        Failure refused = (await OfferAsync("""{"inputs": {"data": [[0, 1]], "labels": [0]}}""", Model(classes, variables))).Failure!;

        FieldError error = refused.Fields.First(field => field.Field == "model");
        Assert.Equal(FailureCode.NotSupported, error.Code);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accept_SourceOfAnotherShapeOrOtherClasses_IsRefused()
    {
        HostedModel wide = ScoringCaller.Model(new InputSchema(InputKind.Vector, [3], -4, 4)) with { Capabilities = new() { Classes = 3 } };
        foreach (HostedModel source in new[] { wide, Model(4) })
            Assert.Equal("models", Assert.Single((await OfferAsync($$"""{ {{Two}} }""", source: source)).Failure!.Fields).Field);
    }

    [Fact]
    public async Task Accept_MoreWorkThanTheServerTakes_IsOverPolicy()
    {
        FieldError error = Assert.Single((await OfferAsync($$"""{ {{Two}}, "steps": 1000, "restarts": 20, "refinement": {"steps": 200, "chains": 100, "stepSize": 0.1, "noise": 0} }""")).Failure!.Fields);

        Assert.Equal(("spec.radii", FailureCode.OverPolicy), (error.Field, error.Code));
    }

    private static HostedModel Model(int classes, VariableKind variables = VariableKind.Continuous) =>
        ScoringCaller.Model(ScoringCaller.Plane.Descriptor!.Input) with { Capabilities = new() { Classes = classes, Variables = variables } };

    private static Task<Outcome<AcceptedJob>> OfferAsync(string spec, HostedModel? model = null, HostedModel? source = null)
    {
        var request = JsonSerializer.Deserialize<RobustnessRequest>(spec, EbmJson.Options);
        var proposal = new JobProposal(request, [model ?? Model(3)], "cpu", new JobLimits(MaxElementSteps: 1e9), new ScoringCaller(), _ => null, () => 1)
        {
            Optional = source is null ? new Dictionary<string, HostedModel>() : new Dictionary<string, HostedModel> { [RobustnessJob.SourceRole] = source },
        };
        return RobustnessAcceptance.AcceptAsync(proposal, TestContext.Current.CancellationToken);
    }
}
