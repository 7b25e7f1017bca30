using System.Net;
using System.Text;
using EbmService.Api.Inputs;
using EbmService.Api.Tests.Inputs;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using Xunit;

namespace EbmService.Api.Tests.Queries;

/// <summary>Bad input gets a problem with the field and the remedy.</summary>
public sealed class BadInputTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private const string Moons = "/v1/models/moons/energy";
    private const string Digits = "/v1/models/digits/energy";
    private readonly HttpClient _client = factory.CreateClient();

    [Theory]
    [InlineData("""{"inputs": [[1, 2, 3]]}""", "inputs", "[n, 2]")]
    [InlineData("""{"inputs": [1, 2, 3]}""", "inputs", "[n, 2]")]
    [InlineData("""{"inputs": []}""", "inputs", "no inputs")]
    [InlineData("""{"inputs": [[]]}""", "inputs", "no inputs")]
    [InlineData("""{"inputs": 3}""", "inputs", "array")]
    [InlineData("""{"inputs": {"a": 1}}""", "inputs", "nested arrays")]
    [InlineData("""{"inputs": [[1, 2], [3, 4], [5]]}""", "inputs[2]", "ragged")]
    [InlineData("""{"inputs": [[1, 2], 3]}""", "inputs[1]", "ragged")]
    [InlineData("""{"inputs": [[1, [2]]]}""", "inputs[0][1]", "ragged")]
    [InlineData("""{"inputs": [[[1, 2]], [3]]}""", "inputs[1][0]", "ragged")]
    [InlineData("""{"inputs": [[1, 2], [3, "NaN"]]}""", "inputs[1][1]", "finite")]
    [InlineData("""{"inputs": [["Infinity", 2]]}""", "inputs[0][0]", "finite")]
    [InlineData("""{"inputs": [[1, 2], [3, NaN]]}""", "inputs[1][1]", "NaN")]
    [InlineData("""{"inputs": [[1, null]]}""", "inputs[0][1]", "null")]
    [InlineData("""{"inputs": [[1, 1e39]]}""", "inputs[0][1]", "float32")]
    [InlineData("""{"inputs": [[1, 1e400]]}""", "inputs[0][1]", "float32")]
    [InlineData("""{}""", "inputs", "exactly one")]
    [InlineData("""{"inputs": [[1, 2]], "tensor": {"dtype": "float32", "shape": [1, 2], "base64": "AAAAAAAAAAA="}}""", "inputs", "exactly one")]
    [InlineData("""{"inputs": [[1, 2]], "gradeints": true}""", "gradeints", "no member")]
    [InlineData("""{"inputs": [[1, 2]], "gradients": "yes"}""", "gradients", "true or false")]
    [InlineData("""{"inputs": [[1, 2]], "inputs": [[1, 2]]}""", "inputs", "twice")]
    [InlineData("""{"inputs": [[1, 2]""", "inputs[1]", "line 1")]
    [InlineData("""{"inputs": [[1, 2]],""", "body", "ends too early")]
    [InlineData("""[[1, 2]]""", "body", "JSON object")]
    [InlineData("""{"tensor": {"dtype": "float32", "shape": [1, 2], "base64": "AAAAAA=="}}""", "tensor.base64", "8 bytes")]
    [InlineData("""{"tensor": {"dtype": "float32", "shape": [1, 2], "base64": "!"}}""", "tensor.base64", "not base64")]
    [InlineData("""{"tensor": {"dtype": "float32", "shape": [2147483647, 2147483647, 2147483647], "base64": ""}}""", "tensor.shape", "more than")]
    [InlineData("""{"tensor": {"dtype": "float32", "shape": [-1, 2], "base64": ""}}""", "tensor.shape", "negative")]
    [InlineData("""{"tensor": {"dtype": "int7", "shape": [1, 2], "base64": ""}}""", "tensor.dtype", "float32, float64, uint8")]
    [InlineData("""{"tensor": {"shape": [1, 2], "base64": ""}}""", "tensor.dtype", "missing")]
    [InlineData("""{"tensor": {"dtype": "float32", "shape": [1, 2], "base64": "AADAfwAAAAA="}}""", "tensor[0][0]", "NaN")]
    public async Task Energy_BadJson_NamesTheFieldAndTheRemedy(string body, string field, string says)
    {
        HttpResponseMessage response = await _client.PostJsonAsync(Moons, body);

        Assert.Contains(says, await response.FieldErrorAsync(field), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"model\": \"digits\"")]
    [InlineData("{\"model\": \"dig")]
    [InlineData("{\"spec\": {\"steps\": 10}")]
    public void Deserialize_JsonCutShort_SaysSo(string json) =>
        Assert.Contains("ends too early", Assert.Single(JsonBody.Deserialize<CreateJobRequest<SamplingRequest>>(System.Text.Encoding.UTF8.GetBytes(json)).Failure!.Fields).Message);

    [Theory]
    [InlineData("{\"model\": 1}", "model", "not the number 1")]
    [InlineData("{\"priority\": \"high\"}", "priority", "not the text \"high\"")]
    [InlineData("{\"tags\": {}}", "tags", "not a JSON object")]
    [InlineData("{\"tags\": [true]}", "tags[0]", "not true")]
    public void Deserialize_WrongKind_SaysWhatCame(string json, string field, string says)
    {
        var error = Assert.Single(JsonBody.Deserialize<CreateJobRequest<SamplingRequest>>(System.Text.Encoding.UTF8.GetBytes(json)).Failure!.Fields);

        Assert.Equal(field, error.Field);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Energy_JsonNestedTooDeep_Is400()
    {
        string deep = new string('[', 100) + new string(']', 100);

        string inInputs = await (await _client.PostJsonAsync(Moons, $$"""{"inputs": {{deep}}}""")).FieldErrorAsync("inputs[0][0][0][0][0][0][0][0]");
        HttpResponseMessage elsewhere = await _client.PostJsonAsync(Moons, $$"""{"tensor": {{deep}}}""");

        Assert.Contains("8 deep", inInputs);
        await elsewhere.ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");
    }

    [Fact]
    public async Task Energy_UnknownModel_Is404WithRemedy()
    {
        var problem = await (await _client.PostJsonAsync("/v1/models/nobody/energy", """{"inputs": [[1, 2]]}""")).ProblemAsync(HttpStatusCode.NotFound, "modelNotFound");

        Assert.Contains("/v1/models", (string?)problem["remedy"]);
    }

    [Fact]
    public async Task Energy_UnknownVersion_Is404() =>
        await (await _client.PostJsonAsync("/v1/models/moons/versions/9/energy", """{"inputs": [[1, 2]]}""")).ProblemAsync(HttpStatusCode.NotFound, "versionNotFound");

    [Fact]
    public async Task Energy_BrokenModel_Is503WithRetryAfter()
    {
        HttpResponseMessage response = await _client.PostJsonAsync("/v1/models/broken/energy", """{"inputs": [[1, 2]]}""");

        await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "modelUnavailable");
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Classify_ModelWithoutClasses_Is422() =>
        await (await _client.PostJsonAsync("/v1/models/moons/classify", """{"inputs": [[1, 2]]}""")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "notSupported");

    [Theory]
    [InlineData("/v1/models/moons/ood", """{"inputs": [[1, 2]], "alpha": 1.5}""", "alpha", 400)]
    [InlineData("/v1/models/moons/ood?alpha=x", """{"inputs": [[1, 2]]}""", "alpha", 400)]
    [InlineData("/v1/models/moons/energy?gradient=true", """{"inputs": [[1, 2]]}""", "gradient", 400)]
    public async Task Query_BadOption_NamesIt(string path, string body, string field, int status) =>
        await (await _client.PostJsonAsync(path, body)).FieldErrorAsync(field, (HttpStatusCode)status);

    [Fact]
    public async Task Energy_TooManyInputs_Is422()
    {
        string many = string.Join(",", Enumerable.Repeat("[1,2]", 257));

        string message = await (await _client.PostJsonAsync(Moons, $$"""{"inputs": [{{many}}]}""")).FieldErrorAsync("inputs", HttpStatusCode.UnprocessableEntity, "overPolicy");

        Assert.Contains("256", message);
    }

    [Theory]
    [InlineData(5, 4, "takes 4x4")]
    [InlineData(10_000, 10_000, "over the limit")]
    public async Task Energy_PngOfWrongSize_NamesTheFileAndTheSize(int width, int height, string says)
    {
        byte[] png = width > 100 ? PngFiles.Announcing(width, height) : PngFiles.Gray(width, height);

        string message = await (await _client.PostAsync(Digits, PngFiles.Form(PngFiles.Gray(4, 4), png), HttpTestExtensions.Cancel)).FieldErrorAsync("files[1]");

        Assert.Contains(says, message);
    }

    [Fact]
    public async Task Energy_PngForVectors_Is400() =>
        await (await _client.PostAsync(Moons, PngFiles.Form(PngFiles.Gray(4, 4)), HttpTestExtensions.Cancel)).FieldErrorAsync("files");

    [Fact]
    public async Task Energy_BrokenNpy_Is400() =>
        await (await _client.PostBytesAsync(Moons, [1, 2, 3], "application/x-npy")).FieldErrorAsync("body");

    [Fact]
    public async Task Energy_OtherMediaType_Is415WithTheRightOnes()
    {
        var problem = await (await _client.PostBytesAsync(Moons, [1], "application/x-www-form-urlencoded")).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");

        Assert.Contains("application/json", (string?)problem["remedy"]);
    }

    [Fact]
    public async Task Energy_UnknownContentEncoding_Is415() =>
        await (await _client.PostBytesAsync(Moons, [1], "application/json", "zstd")).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");

    [Fact]
    public async Task Energy_OversizeBody_Is413() =>
        await (await _client.PostBytesAsync(Moons, new byte[17 << 20], "application/json")).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "bodyTooLarge");

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Energy_CompressionBomb_Is413(string encoding)
    {
        byte[] bomb = Compression.Compress(new byte[64 << 20], encoding);
        Assert.True(bomb.Length < 1 << 20);

        await (await _client.PostBytesAsync(Moons, bomb, "application/json", encoding)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "bodyTooLarge");
    }

    [Fact]
    public async Task Energy_BrokenGzip_Is400() =>
        await (await _client.PostBytesAsync(Moons, Encoding.ASCII.GetBytes("no gzip at all"), "application/json", "gzip")).ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");
}
