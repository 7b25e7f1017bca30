using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.Api.Tests.Inputs;
using EbmService.Core.Tensors;
using Xunit;

namespace EbmService.Api.Tests.Queries;

public sealed class QueryEndpointsTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private readonly HttpClient _client = factory.CreateClient();

    [Theory]
    [InlineData("/v1/models/moons/energy")]
    [InlineData("/v1/models/moons/versions/1/energy")]
    public async Task Energy_NestedArrays_OneResultPerInput(string path)
    {
        JsonObject answer = await (await _client.PostJsonAsync(path, """{"inputs": [[1, 2], [0, 0]]}""")).JsonAsync();

        Assert.Equal("moons", (string?)answer["model"]);
        Assert.Equal("1", (string?)answer["version"]);
        Assert.StartsWith("sha256:", (string?)answer["digest"]);
        Assert.Equal([2.5, 0.0], answer["results"]!.AsArray().Select(result => (double)result!["energy"]!));
    }

    [Fact]
    public async Task Energy_OneBareInput_IsABatchOfOne()
    {
        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [1, 2]}""")).JsonAsync();

        Assert.Single(answer["results"]!.AsArray());
    }

    [Theory]
    [InlineData("/v1/models/moons/energy", """{"inputs": [[1, 2]], "gradients": true}""")]
    [InlineData("/v1/models/moons/energy?gradients=true", """{"inputs": [[1, 2]]}""")]
    public async Task Energy_WithGradients_ReturnsThemShapedLikeTheInput(string path, string body)
    {
        JsonObject answer = await (await _client.PostJsonAsync(path, body)).JsonAsync();

        Assert.Equal("[1,2]", answer["results"]![0]!["gradient"]!.ToJsonString());
    }

    [Theory]
    [InlineData("float32", "AACAPwAAAEA=")]
    [InlineData("float64", "AAAAAAAA8D8AAAAAAAAAQA==")]
    [InlineData("uint8", "AQI=")]
    public async Task Energy_Base64Tensor_IsRead(string dtype, string base64)
    {
        string body = $$$"""{"tensor": {"dtype": "{{{dtype}}}", "shape": [1, 2], "base64": "{{{base64}}}"}}""";

        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/moons/energy", body)).JsonAsync();

        Assert.Equal(2.5, (double)answer["results"]![0]!["energy"]!);
    }

    [Fact]
    public async Task Energy_Uint8Image_IsScaledToTheRange()
    {
        string base64 = Convert.ToBase64String([.. Enumerable.Repeat((byte)255, 16)]);
        string body = $$$"""{"tensor": {"dtype": "uint8", "shape": [1, 1, 4, 4], "base64": "{{{base64}}}"}}""";

        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/digits/energy", body)).JsonAsync();

        Assert.Equal(8, (double)answer["results"]![0]!["energy"]!, 4);
    }

    [Fact]
    public async Task Energy_NpyInAndOut_GivesOneEnergyPerRow()
    {
        byte[] body = NpyFormat.Write(new TensorPayload([2, 2], [1, 2, 3, -1]));
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/moons/energy") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(NpyFormat.MediaType);
        request.Headers.Accept.ParseAdd(NpyFormat.MediaType);

        HttpResponseMessage response = await _client.SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal(NpyFormat.MediaType, response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("moons/1", Assert.Single(response.Headers.GetValues("Ebm-Model")));
        TensorPayload answer = NpyFormat.Read(await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
        Assert.Equal([2], answer.Shape);
        Assert.Equal([2.5f, 5f], answer.Values);
    }

    [Theory]
    [InlineData("classify", new[] { 1, 3 })]
    [InlineData("ood", new[] { 1 })]
    public async Task Query_AcceptNpy_HasTheDocumentedShape(string query, int[] shape)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/models/digits/{query}") { Content = PngFiles.Form(PngFiles.Gray(4, 4)) };
        request.Headers.Accept.ParseAdd(NpyFormat.MediaType);

        HttpResponseMessage response = await _client.SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal(shape, NpyFormat.Read(await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel)).Shape);
    }

    [Fact]
    public async Task Energy_NpyWithGradients_IsRefused()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/moons/energy") { Content = new StringContent("""{"inputs": [[1, 2]], "gradients": true}""", null, "application/json") };
        request.Headers.Accept.ParseAdd("application/x-npy");

        Assert.Contains("application/json", await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).FieldErrorAsync("gradients"));
    }

    [Fact]
    public async Task Energy_UnknownAccept_FallsBackToJson()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/models/moons/energy") { Content = new StringContent("""{"inputs": [[1, 2]]}""", null, "application/json") };
        request.Headers.Accept.ParseAdd("text/csv");

        await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync();
    }

    [Fact]
    public async Task Classify_TwoPngFiles_GivesLabelProbabilitiesEnergy()
    {
        HttpResponseMessage response = await _client.PostAsync(
            "/v1/models/digits/classify?refineSteps=3", PngFiles.Form(PngFiles.Gray(4, 4), PngFiles.Gray(4, 4)), HttpTestExtensions.Cancel);

        JsonArray results = (await response.JsonAsync())["results"]!.AsArray();
        Assert.Equal(2, results.Count);
        Assert.Equal("one", (string?)results[0]!["label"]);
        Assert.Equal(1, (int)results[0]!["labelIndex"]!);
        Assert.Equal(3, results[0]!["probabilities"]!.AsArray().Count);
        Assert.Equal(8, (double)results[0]!["energy"]!, 4);
        Assert.Equal(3, factory.Queries.Last!.RefineSteps);
    }

    [Theory]
    [InlineData(1, 201)]
    [InlineData(6, 200)]
    public async Task Classify_RefinementOverTheLimit_Is422(int files, int steps)
    {
        HttpResponseMessage response = await _client.PostAsync(
            $"/v1/models/digits/classify?refineSteps={steps}",
            PngFiles.Form([.. Enumerable.Range(0, files).Select(_ => PngFiles.Gray(4, 4))]), HttpTestExtensions.Cancel);

        JsonObject problem = await response.JsonAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Contains("over this server's limit", (string?)problem["errors"]!["refineSteps"]![0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ood_Calibrated_HasScoresPValueVerdict()
    {
        JsonObject answer = await (await _client.PostAsync("/v1/models/digits/ood?alpha=0.1", PngFiles.Form(PngFiles.Gray(4, 4)), HttpTestExtensions.Cancel)).JsonAsync();

        JsonNode result = answer["results"]![0]!;
        Assert.Equal(-8, (double)result["scores"]!["logDensity"]!, 4);
        Assert.Equal(0.5, (double)result["pValue"]!);
        Assert.Equal("inDistribution", (string?)result["verdict"]);
        Assert.Equal(0.1, (double)answer["alpha"]!);
        Assert.Equal("calibration-1", (string?)answer["calibrationId"]);
    }

    [Fact]
    public async Task Ood_Uncalibrated_SaysSo()
    {
        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/moons/ood", """{"inputs": [[1, 2]]}""")).JsonAsync();

        Assert.Equal("uncalibrated", (string?)answer["results"]![0]!["verdict"]);
        Assert.Null(answer["results"]![0]!["pValue"]);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Energy_CompressedBody_IsInflated(string encoding)
    {
        byte[] body = Compression.Compress("""{"inputs": [[1, 2]]}"""u8.ToArray(), encoding);

        await (await _client.PostBytesAsync("/v1/models/moons/energy", body, "application/json", encoding)).JsonAsync();
    }
}
