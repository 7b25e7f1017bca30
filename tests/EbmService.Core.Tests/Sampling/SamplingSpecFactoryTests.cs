using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Core.Tests.Sampling;

public sealed class SamplingSpecFactoryTests
{
    private static readonly HostedModel Model = new()
    {
        Key = new("m", "1"),
        State = ModelState.Ready,
        Descriptor = new ModelDescriptor
        {
            Name = "m", Title = "m", Architecture = new() { Kind = "mlp" }, Input = new InputSchema(InputKind.Vector, [2], -4, 4),
        },
    };

    [Theory]
    [InlineData("""{"noise": 1e200}""", "spec.noise", "float32")]
    [InlineData("""{"stepSize": 1e39, "noise": 1}""", "spec.stepSize", "float32")]
    [InlineData("""{"stepSize": 1e-310, "noise": 1}""", "spec.stepSize", "float32")]
    [InlineData("""{"steps": 60, "temperature": 1, "stop": {"untilEss": 100, "checkEvery": 60}}""", "spec.stop.checkEvery",
        "never be judged")]
    [InlineData("""{"temperature": 1e300}""", "spec.temperature", "no finite number")]
    [InlineData("""{"schedule": {"kind": "polynomial", "offset": 1e-320}}""", "spec.schedule", "some step")]
    [InlineData("""{"stateClamp": {"min": -1, "max": 1}}""", "spec.stateClamp", "\"kind\": \"range\"")]
    [InlineData("""{"gradientClip": {"limit": 0.03}}""", "spec.gradientClip", "\"kind\": \"value\"")]
    [InlineData("""{"schedule": {"power": 0.5}}""", "spec.schedule", "\"kind\": \"polynomial\"")]
    public void Create_NumbersThatAreNoChain_NamesTheMember(string json, string field, string words)
    {
        Failure? failure = Create(json, new SamplingPolicy()).Failure;

        FieldError error = Assert.Single(failure!.Fields);
        Assert.Equal((field, FailureCode.InvalidRequest), (error.Field, error.Code));
        Assert.Contains(words, error.Message);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"noise": 0}""")]
    [InlineData("""{"stateClamp": {"kind": "none"}, "gradientClip": {}, "schedule": {"kind": "constant"}}""")]
    [InlineData("""{"steps": 1000000, "schedule": {"kind": "cosine"}}""")]
    public void Create_SoundNumbers_Succeeds(string json) => Assert.Null(Create(json, new SamplingPolicy()).Failure);

    [Theory]
    [InlineData(null, "{}", SamplingKernel.GibbsWithGradients)]
    [InlineData(SamplingKernel.BlockedGibbs, "{}", SamplingKernel.BlockedGibbs)]
    [InlineData(SamplingKernel.BlockedGibbs, """{"kernel": "gibbsWithGradients"}""", SamplingKernel.GibbsWithGradients)]
    public void Create_NoKernelNamed_TakesTheModelsOwn(SamplingKernel? own, string json, SamplingKernel expected)
    {
        HostedModel model = SpecCase.Lattice with { Descriptor = SpecCase.Lattice.Descriptor! with { DefaultKernel = own } };

        Assert.Equal(expected, SpecCase.Create(json, model).OrThrow().Kernel);
    }

    [Theory]
    [InlineData(50, null)]
    [InlineData(51, FailureCode.OverPolicy)]
    public void Create_ResultSize_IsLimited(int chains, FailureCode? code)
    {
        Failure? failure = Create($$"""{"chains": {{chains}}}""", new SamplingPolicy(MaxResultNumbers: 100)).Failure;

        Assert.Equal(code, failure?.Code);
        Assert.Equal(code is null ? null : "spec.chains", failure?.Fields[0].Field);
    }

    private static Outcome<SamplingSpec> Create(string json, SamplingPolicy policy) => SamplingSpecFactory.Create(
        JsonSerializer.Deserialize<SamplingRequest>(json, EbmJson.Options)!, Model, "cpu", policy, () => 1);
}
