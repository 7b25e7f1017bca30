using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Json;

public sealed class TensorPayloadJsonConverterTests
{
    [Theory]
    [InlineData("[1, 2, 3]", new[] { 3 }, new[] { 1f, 2, 3 })]
    [InlineData("[[1, 2], [3, 4], [5, 6]]", new[] { 3, 2 }, new[] { 1f, 2, 3, 4, 5, 6 })]
    [InlineData("[[[0.5], [-1e-3]]]", new[] { 1, 2, 1 }, new[] { 0.5f, -1e-3f })]
    [InlineData("[]", new[] { 0 }, new float[0])]
    [InlineData("[[], []]", new[] { 2, 0 }, new float[0])]
    [InlineData("""{"dtype": "float32", "shape": [2, 1], "base64": "AACAPwAAAEA="}""", new[] { 2, 1 }, new[] { 1f, 2 })]
    [InlineData("""{"base64": "", "shape": [0, 3], "dtype": "float32"}""", new[] { 0, 3 }, new float[0])]
    public void Read_EitherForm_GivesShapeAndValues(string json, int[] shape, float[] values)
    {
        TensorPayload tensor = Read(json);

        Assert.Equal(shape, tensor.Shape);
        Assert.Equal(values, tensor.Values);
    }

    [Fact]
    public void Write_AnyTensor_ReadsBackToTheSameBits()
    {
        var tensor = new TensorPayload([2, 3], [0, -0f, float.Epsilon, float.MaxValue, 0.1f, -1e-20f]);

        TensorPayload back = Read(JsonSerializer.Serialize(tensor, EbmJson.Options));

        Assert.Equal(tensor.Shape, back.Shape);
        Assert.Equal(tensor.Values.Select(BitConverter.SingleToInt32Bits), back.Values.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void Read_InsideAnObject_LeavesTheReaderBehindIt()
    {
        HeldPart held = JsonSerializer.Deserialize<HeldPart>("""{"mask": [1, 0], "values": {"dtype": "float32", "shape": [2], "base64": "AACAPwAAAEA="}}""", EbmJson.Options)!;

        Assert.Equal([1f, 0], held.Mask.Values);
        Assert.Equal([1f, 2], held.Values.Values);
    }

    [Theory]
    [InlineData("[[1, 2], [3]]", "[1]", "ragged")]
    [InlineData("[1, [2]]", "[1]", "ragged")]
    [InlineData("[[1], 2]", "[1]", "ragged")]
    [InlineData("[[], 1]", "[1]", "ragged")]
    [InlineData("[[1], [[2]]]", "[1][0]", "ragged")]
    [InlineData("[[[[[[[[[1]]]]]]]]]", "[0][0][0][0][0][0][0][0]", "8 deep")]
    [InlineData("[1, null]", "[1]", "null")]
    [InlineData("[1, \"NaN\"]", "[1]", "NaN and infinities")]
    [InlineData("[1, 1e39]", "[1]", "float32")]
    [InlineData("[1, -1e400]", "[1]", "float32")]
    [InlineData("[1, {}]", "[1]", "nothing else")]
    [InlineData("7", "", "nested arrays")]
    [InlineData("\"AAAA\"", "", "nested arrays")]
    [InlineData("true", "", "nested arrays")]
    [InlineData("""{"dtype": "float64", "shape": [1], "base64": "AAAAAAAAAAA="}""", ".dtype", "float32")]
    [InlineData("""{"dtype": 32, "shape": [1], "base64": "AAAAAA=="}""", ".dtype", "float32")]
    [InlineData("""{"shape": [1], "base64": "AAAAAA=="}""", ".dtype", "missing")]
    [InlineData("""{"dtype": "float32", "base64": "AAAAAA=="}""", ".shape", "missing")]
    [InlineData("""{"dtype": "float32", "shape": [1]}""", ".base64", "missing")]
    [InlineData("""{}""", ".dtype", "missing")]
    [InlineData("""{"dtype": "float32", "shape": [], "base64": "AAAAAA=="}""", ".shape", "1 to 8")]
    [InlineData("""{"dtype": "float32", "shape": [1,1,1,1,1,1,1,1,1], "base64": "AAAAAA=="}""", ".shape", "1 to 8")]
    [InlineData("""{"dtype": "float32", "shape": [-1], "base64": ""}""", ".shape", "negative")]
    [InlineData("""{"dtype": "float32", "shape": [1.5], "base64": ""}""", ".shape", "sizes")]
    [InlineData("""{"dtype": "float32", "shape": [4294967297], "base64": "AAAAAA=="}""", ".shape", "sizes")]
    [InlineData("""{"dtype": "float32", "shape": "1", "base64": ""}""", ".shape", "list")]
    [InlineData("""{"dtype": "float32", "shape": [2], "base64": "AAAAAA=="}""", ".base64", "needs 8 bytes (4 per number), but 4")]
    [InlineData("""{"dtype": "float32", "shape": [65536, 65536, 65536, 65536], "base64": ""}""", ".base64", "but 0")]
    [InlineData("""{"dtype": "float32", "shape": [1], "base64": "A*AA"}""", ".base64", "not base64")]
    [InlineData("""{"dtype": "float32", "shape": [1], "base64": 5}""", ".base64", "not base64")]
    [InlineData("""{"dtype": "float32", "shape": [1], "shape": [1], "base64": "AAAAAA=="}""", ".shape", "twice")]
    [InlineData("""{"dtype": "float32", "shape": [1], "data": "AAAAAA=="}""", ".data", "no member")]
    public void Read_NoTensor_NamesThePlaceAndWhatWouldBeRight(string json, string element, string says)
    {
        var refusal = Assert.Throws<ElementJsonException>(() => Read(json));

        Assert.Equal(element, refusal.Element);
        Assert.Contains(says, refusal.Message);
    }

    [Theory]
    [InlineData("[1, 2")]
    [InlineData("[NaN]")]
    [InlineData("""{"dtype": "float32", "shape": [1""")]
    public void Read_BrokenJson_IsAJsonException(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    private static TensorPayload Read(string json) => JsonSerializer.Deserialize<TensorPayload>(json, EbmJson.Options)!;
}
