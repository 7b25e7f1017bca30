using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Core.Tests.Sampling;

/// <summary>Every rule has a case; a new rule gets a line here.</summary>
public sealed class SamplingSpecValidatorTests
{
    private const string Free = "[[[0, 0], [0, 1]]]";

    [Theory]
    [InlineData("plane", """{"start": "data"}""", "spec.data")]
    [InlineData("plane", """{"start": "base", "data": [[1, 2]]}""", "spec.data")]
    [InlineData("plane", """{"start": "job"}""", "spec.startJob")]
    [InlineData("plane", """{"start": "base", "startJob": {"id": "x"}}""", "spec.startJob")]
    [InlineData("plane", """{"data": [[1, 2, 3]]}""", "spec.data")]
    [InlineData("plane", """{"data": []}""", "spec.data")]
    [InlineData("plane", """{"data": [1, 2, 3]}""", "spec.data")]
    [InlineData("plane", """{"data": [[[1, 2]]]}""", "spec.data")]
    [InlineData("plane", """{"data": {"dtype": "float32", "shape": [2], "base64": "AACAfwAAgP8="}}""", "spec.data")]
    [InlineData("lattice", """{"data": [[[0, 1], [0.5, 1]]]}""", "spec.data[0][1][0]")]
    [InlineData("words", """{"data": [[1, 0, 0], [0, 0, 0]]}""", "spec.data[1][0]")]
    [InlineData("words", """{"data": [[1, 0, 0], [1, 1, 0]]}""", "spec.data[1][0]")]
    [InlineData("plane", """{"data": [[1, 2], [3, 4.1]]}""", "spec.data[1][1]")]
    [InlineData("plane", """{"held": {"mask": [1, 0], "values": [-5, 2]}}""", "spec.held.values[0]")]
    [InlineData("lattice", """{"data": [[[0, 1], [0.5, 1]]], "outOfRange": "allow"}""", "spec.data[0][1][0]")]
    [InlineData("plane", """{"held": {"mask": [1, 0, 0], "values": [1, 2]}}""", "spec.held.mask")]
    [InlineData("plane", """{"held": {"mask": [[1, 0]], "values": [1, 2]}}""", "spec.held.mask")]
    [InlineData("plane", """{"held": {"mask": [0.5, 0], "values": [1, 2]}}""", "spec.held.mask")]
    [InlineData("plane", """{"held": {"mask": [1, 1], "values": [1, 2]}}""", "spec.held.mask")]
    [InlineData("plane", """{"held": {"mask": [1, 0], "values": [1]}}""", "spec.held.values")]
    [InlineData("plane",
        """{"held": {"mask": [1, 0], "values": {"dtype": "float32", "shape": [2], "base64": "AADAfwAAAAA="}}}""", "spec.held.values")]
    [InlineData("lattice", """{"held": {"mask": [[[1, 0], [0, 0]]], "values": [[[2, 0], [0, 0]]]}}""", "spec.held.values[0][0][0]")]
    [InlineData("words", """{"held": {"mask": [[1, 1, 0], [0, 0, 0]], "values": [[1, 0, 0], [1, 0, 0]]}}""", "spec.held.mask")]
    [InlineData("words", """{"held": {"mask": [[1, 1, 1], [0, 0, 0]], "values": [[1, 1, 0], [1, 0, 0]]}}""", "spec.held.values[0][0]")]
    public void Create_BadStartOrHeldPart_NamesIt(string model, string json, string field) =>
        Assert.Equal([field], SpecCase.FieldsOf(json, SpecCase.Of(model)));

    [Fact]
    public void Create_BufferOfAModelWithoutOne_IsNotSupported()
    {
        FieldError error = Assert.Single(SpecCase.Create("""{"start": "buffer"}""", SpecCase.Plane).Failure!.Fields);

        Assert.Equal(("spec.start", FailureCode.NotSupported), (error.Field, error.Code));
    }

    [Theory]
    [InlineData("""{"data": [[1, 2], [3, 4]]}""", "spec.data")]
    [InlineData("""{"held": {"mask": [1, 0], "values": [[1, 2], [3, 4]]}}""", "spec.held.values")]
    public void Create_TensorOverTheInlineLimit_IsOverPolicy(string json, string field)
    {
        FieldError error = Assert.Single(SpecCase.Create(json, SpecCase.Plane, new SamplingPolicy(MaxInlineNumbers: 3)).Failure!.Fields);

        Assert.Equal((field, FailureCode.OverPolicy), (error.Field, error.Code));
    }

    [Theory]
    [InlineData("plane", """{"data": [1, 2]}""", ChainStart.Data)]
    [InlineData("plane", """{"data": [[1, 2], [3, 4]], "start": "data"}""", ChainStart.Data)]
    [InlineData("plane", """{"data": [[1, 2], [3, 40]], "outOfRange": "allow"}""", ChainStart.Data)]
    [InlineData("plane", """{"startJob": {"id": "x"}}""", ChainStart.Job)]
    [InlineData("plane", """{"held": {"mask": [1, 0], "values": [[1, 2], [3, 4]]}}""", ChainStart.Base)]
    [InlineData("lattice", $$"""{"held": {"mask": {{Free}}, "values": {{Free}}}, "data": {{Free}}}""", ChainStart.Data)]
    [InlineData("words", """{"held": {"mask": [[1, 1, 1], [0, 0, 0]], "values": [[1, 0, 0], [0, 0, 1]]}}""", ChainStart.Base)]
    public void Create_SoundStart_ChoosesItAndCanBeSentAgain(string model, string json, ChainStart start)
    {
        SamplingSpec spec = SpecCase.Create(json, SpecCase.Of(model)).OrThrow();

        Assert.Equal(start, spec.Start);
        Assert.Equivalent(spec, SpecCase.Create(SpecCase.Resent(spec), SpecCase.Of(model)).OrThrow(), strict: true);
    }

    [Theory]
    [InlineData("plane", """{"kernel": "gibbsWithGradients"}""", "spec.kernel")]
    [InlineData("plane", """{"kernel": "blockedGibbs"}""", "spec.kernel")]
    [InlineData("lattice", """{"kernel": "hmc"}""", "spec.kernel")]
    [InlineData("words", """{"kernel": "sgld", "noise": 1}""", "spec.kernel")]
    [InlineData("words", """{"kernel": "blockedGibbs"}""", "spec.kernel")]
    public void Create_KernelThatDoesNotFitTheVariables_IsNotSupported(string model, string json, string field)
    {
        Failure failure = SpecCase.Create(json, SpecCase.Of(model)).Failure!;

        Assert.Equal((field, FailureCode.NotSupported), (failure.Fields[0].Field, failure.Fields[0].Code));
    }

    [Theory]
    [InlineData("""{"hmc": {}}""", "spec.hmc")]
    [InlineData("""{"kernel": "hmc", "mala": {}}""", "spec.mala")]
    [InlineData("""{"kernel": "mala", "underdamped": {}}""", "spec.underdamped")]
    [InlineData("""{"kernel": "ula", "preconditioner": {}}""", "spec.preconditioner")]
    [InlineData("""{"kernel": "ula", "order": "noiseFirst"}""", "spec.order")]
    [InlineData("""{"kernel": "hmc", "gradientClip": {"kind": "value", "limit": 1}}""", "spec.gradientClip")]
    [InlineData("""{"kernel": "mala", "noise": 0.1}""", "spec.noise")]
    public void Create_MemberThatTheKernelIgnores_IsRefused(string json, string field) =>
        Assert.Contains(field, SpecCase.FieldsOf(json, SpecCase.Plane));

    [Theory]
    [InlineData("""{"stateClamp": {"kind": "range", "min": 0, "max": 1}}""", "spec.stateClamp")]
    [InlineData("""{"schedule": {"kind": "cosine"}}""", "spec.schedule")]
    [InlineData("""{"order": "noiseFirst"}""", "spec.order")]
    public void Create_MemberThatDiscreteKernelsIgnore_IsRefused(string json, string field) =>
        Assert.Equal([field], SpecCase.FieldsOf(json, SpecCase.Lattice));

    [Theory]
    [InlineData("""{"kernel": "hmc", "hmc": {"leapfrogSteps": 0}}""", "spec.hmc.leapfrogSteps")]
    [InlineData("""{"kernel": "hmc", "hmc": {"leapfrogSteps": 1001}}""", "spec.hmc.leapfrogSteps")]
    [InlineData("""{"kernel": "hmc", "hmc": {"targetAcceptance": 0}}""", "spec.hmc.targetAcceptance")]
    [InlineData("""{"kernel": "hmc", "hmc": {"targetAcceptance": 1}}""", "spec.hmc.targetAcceptance")]
    [InlineData("""{"kernel": "hmc", "hmc": {"targetAcceptance": 1e400}}""", "spec.hmc.targetAcceptance")]
    [InlineData("""{"kernel": "mala", "mala": {"targetAcceptance": 1}}""", "spec.mala.targetAcceptance")]
    [InlineData("""{"kernel": "underdamped", "underdamped": {"friction": 0}}""", "spec.underdamped.friction")]
    [InlineData("""{"kernel": "underdamped", "underdamped": {"friction": 1e400}}""", "spec.underdamped.friction")]
    [InlineData("""{"kernel": "preconditionedSgld", "preconditioner": {"decay": 1}}""", "spec.preconditioner.decay")]
    [InlineData("""{"kernel": "preconditionedSgld", "preconditioner": {"decay": -0.1}}""", "spec.preconditioner.decay")]
    [InlineData("""{"kernel": "preconditionedSgld", "preconditioner": {"epsilon": 0}}""", "spec.preconditioner.epsilon")]
    [InlineData("""{"kernel": "preconditionedSgld", "preconditioner": {"epsilon": 1e400}}""", "spec.preconditioner.epsilon")]
    [InlineData("""{"kernel": "hmc", "temperature": 0}""", "spec.temperature")]
    [InlineData("""{"kernel": "mala", "temperature": 0}""", "spec.temperature")]
    [InlineData("""{"kernel": "hmc", "temperature": 1e400}""", "spec.temperature")]
    [InlineData("""{"kernel": "hmc", "stepSize": 1e400}""", "spec.stepSize")]
    [InlineData("""{"warmup": -1}""", "spec.warmup")]
    [InlineData("""{"steps": 20, "warmup": 20}""", "spec.warmup")]
    [InlineData("""{"scheduleSteps": 0}""", "spec.scheduleSteps")]
    [InlineData("""{"thin": 0}""", "spec.thin")]
    [InlineData("""{"steps": 20, "warmup": 5, "thin": 16}""", "spec.thin")]
    [InlineData("""{"freshShare": 1e400}""", "spec.freshShare")]
    [InlineData("""{"schedule": {"kind": "annealed", "end": 1e400}}""", "spec.schedule")]
    [InlineData("""{"schedule": {"kind": "cyclical", "cycles": 0}}""", "spec.schedule.cycles")]
    [InlineData("""{"temperature": 1, "temperatureSchedule": {"kind": "cosine", "end": 2}}""", "spec.temperatureSchedule.end")]
    [InlineData("""{"noiseSchedule": {"kind": "cosine"}, "temperature": 1}""", "spec.noiseSchedule")]
    [InlineData("""{"temperatureSchedule": {"kind": "cosine"}, "noise": 1}""", "spec.temperatureSchedule")]
    public void Create_SettingOutOfRange_NamesIt(string json, string field) =>
        Assert.Equal([field], SpecCase.FieldsOf(json, SpecCase.Plane));

    [Theory]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": [1]}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": []}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": [2, 3]}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": [1, 3, 3]}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": [1, 1e400]}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "temperature": 1e76, "tempering": {"temperatures": [1, 1e6]}}""", "spec.tempering.temperatures")]
    [InlineData("""{"kernel": "ula", "tempering": {"temperatures": [1, 2], "swapEvery": 0}}""", "spec.tempering.swapEvery")]
    [InlineData("""{"kernel": "ula", "blockSize": 1024, "tempering": {"temperatures": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}""", "spec.blockSize")]
    [InlineData("""{"noise": 0.1, "tempering": {"temperatures": [1, 2]}}""", "spec.tempering")]
    [InlineData("""{"kernel": "ula", "temperature": 0, "tempering": {"temperatures": [1, 2]}}""", "spec.tempering")]
    public void Create_BadLadder_NamesIt(string json, string field) => Assert.Equal([field], SpecCase.FieldsOf(json, SpecCase.Plane));

    [Theory]
    [InlineData("""{"stop": {}}""", "spec.stop")]
    [InlineData("""{"stop": {"untilEss": 0}}""", "spec.stop.untilEss")]
    [InlineData("""{"stop": {"untilEss": 1e400}}""", "spec.stop.untilEss")]
    [InlineData("""{"stop": {"untilRHat": 1}}""", "spec.stop.untilRHat")]
    [InlineData("""{"stop": {"untilRHat": 1e400}}""", "spec.stop.untilRHat")]
    [InlineData("""{"stop": {"untilEss": 10, "checkEvery": 0}}""", "spec.stop.checkEvery")]
    [InlineData("""{"stop": {"deadlineSeconds": 5, "checkEvery": 10}}""", "spec.stop.checkEvery")]
    [InlineData("""{"stop": {"deadlineSeconds": 0}}""", "spec.stop.deadlineSeconds")]
    [InlineData("""{"stop": {"deadlineSeconds": 1e400}}""", "spec.stop.deadlineSeconds")]
    [InlineData("""{"steps": 1000, "chains": 1, "stop": {"untilRHat": 1.01}}""", "spec.stop.untilRHat")]
    [InlineData("""{"steps": 1000, "chains": 1, "stop": {"untilEss": 100, "untilRHat": 1.01}}""", "spec.stop.untilRHat")]
    [InlineData("""{"steps": 49, "stop": {"untilEss": 10, "checkEvery": 1}}""", "spec.stop.checkEvery")]
    [InlineData("""{"steps": 50, "stop": {"untilEss": 10, "checkEvery": 1}}""", "spec.stop.checkEvery")]
    [InlineData("""{"steps": 600, "kernel": "hmc", "warmup": 551, "stop": {"untilEss": 10}}""", "spec.stop.checkEvery")]
    [InlineData("""{"steps": 600, "kernel": "hmc", "warmup": 451, "stop": {"untilEss": 10}}""", "spec.stop.checkEvery")]
    public void Create_BadStopRule_NamesIt(string json, string field) => Assert.Equal([field], SpecCase.FieldsOf(json, SpecCase.Plane));

    [Theory]
    [InlineData("""{"steps": 51, "chains": 1, "stop": {"untilEss": 10, "checkEvery": 1}}""")]
    [InlineData("""{"steps": 51, "chains": 2, "stop": {"untilRHat": 1.01, "checkEvery": 50}}""")]
    [InlineData("""{"steps": 600, "kernel": "hmc", "warmup": 450, "stop": {"untilEss": 10}}""")]
    [InlineData("""{"chains": 1, "stop": {"deadlineSeconds": 5}}""")]
    public void Create_StopRuleThatCanBeJudged_IsTaken(string json) => Assert.Empty(SpecCase.FieldsOf(json, SpecCase.Plane));

    [Theory]
    [InlineData(2, new[] { 0, 1 }, false)]
    [InlineData(3, new[] { 0, 1 }, false)]
    [InlineData(4, new[] { 0, 1 }, true)]
    [InlineData(2, new[] { 0, 1, 1 }, false)]
    [InlineData(2, new[] { 1, 1, 0 }, true)]
    [InlineData(4, new[] { 0, 1, 1 }, true)]
    public void Create_RHatOfClasses_NeedsTwoChainsOfEach(int chains, int[] labels, bool holds)
    {
        HostedModel model = SpecCase.Plane with
        {
            Descriptor = SpecCase.Plane.Descriptor! with { Labels = ["a", "b"] },
            Capabilities = SpecCase.Plane.Capabilities with { Classes = 2 },
        };
        string json = $$$"""{"steps": 1000, "chains": {{{chains}}}, "labels": [{{{string.Join(',', labels)}}}], "stop": {"untilRHat": 1.01}}""";

        Assert.Equal(holds ? [] : ["spec.stop.untilRHat"], SpecCase.FieldsOf(json, model));
    }

    [Theory]
    [InlineData("plane", "{}")]
    [InlineData("plane", """{"recipe": "igebm"}""")]
    [InlineData("plane", """{"kernel": "ula"}""")]
    [InlineData("plane", """{"kernel": "preconditionedSgld", "preconditioner": {"decay": 0}}""")]
    [InlineData("plane", """{"kernel": "mala"}""")]
    [InlineData("plane", """{"kernel": "hmc", "stop": {"untilEss": 100}, "thin": 1}""")]
    [InlineData("plane", """{"kernel": "underdamped", "temperature": 0}""")]
    [InlineData("plane", """{"kernel": "hmc", "tempering": {"temperatures": [1, 2]}}""")]
    [InlineData("lattice", "{}")]
    [InlineData("lattice", """{"kernel": "blockedGibbs", "recipe": "igebm", "temperature": 2}""")]
    [InlineData("lattice", """{"kernel": "blockedGibbs", "tempering": {"temperatures": [1, 2, 1e6], "swapEvery": 3}}""")]
    [InlineData("lattice", """{"kernel": "gibbsWithGradients", "temperature": 1e76, "tempering": {"temperatures": [1, 2, 1e6]}}""")]
    [InlineData("words", "{}")]
    public void Create_SpecSentAgain_IsTheSameSpec(string model, string json)
    {
        SamplingSpec first = SpecCase.Create(json, SpecCase.Of(model)).OrThrow();

        SamplingSpec second = SpecCase.Create(SpecCase.Resent(first), SpecCase.Of(model)).OrThrow();

        Assert.Equivalent(first, second, strict: true);
    }

    [Fact]
    public void CheckExtension_WithinThePolicy_IsNull()
    {
        SamplingSpec spec = SpecCase.Create("""{"steps": 50}""", SpecCase.Plane).OrThrow();

        Assert.Null(SamplingSpecFactory.CheckExtension(spec, 50, SpecCase.Plane, new SamplingPolicy(MaxSteps: 100)));
        Assert.Equal("steps",
            SamplingSpecFactory.CheckExtension(spec, 51, SpecCase.Plane, new SamplingPolicy(MaxSteps: 100))!.Fields.Single().Field);
        Assert.Equal(FailureCode.OverPolicy,
            SamplingSpecFactory.CheckExtension(spec, int.MaxValue, SpecCase.Plane, new SamplingPolicy())!.Code);
        Assert.Equal(FailureCode.InvalidRequest, SamplingSpecFactory.CheckExtension(spec, 0, SpecCase.Plane, new SamplingPolicy())!.Code);
    }
}
