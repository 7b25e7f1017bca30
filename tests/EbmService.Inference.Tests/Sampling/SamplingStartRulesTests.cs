using EbmService.Core.Failures;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Tests.Sampling;

/// <summary>Every rule of start points and held parts has a case; a new rule gets a line here.</summary>
public sealed class SamplingStartRulesTests
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
    [InlineData("plane", """{"held": {"mask": [1, 0], "values": {"dtype": "float32", "shape": [2], "base64": "AADAfwAAAAA="}}}""", "spec.held.values")]
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
}
