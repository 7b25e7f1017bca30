using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.Api.Tests.Inputs;
using EbmService.Core.Tensors;
using Xunit;

namespace EbmService.Api.Tests.Queries;

/// <summary>Values on another scale or alphabet, and numbers that are not finite: never answered without a word.</summary>
public sealed class ValueRangeTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private const string Digits = "/v1/models/digits/";
    private readonly HttpClient _client = factory.CreateClient();

    private static string Image(string values) => $$"""{"inputs": [[[{{values}}]]]}""";

    private static string Constant(string value) => Image(string.Join(",", Enumerable.Repeat($"[{value},{value},{value},{value}]", 4)));

    [Theory]
    [InlineData("energy", "2", "outside the model's range of -1 to 1")]
    [InlineData("classify", "255", "PNG and uint8, 0 to 255, are mapped")]
    [InlineData("ood", "-1.01", "\"outOfRange\": \"allow\"")]
    public async Task OutOfRange_IsRefusedWithThePlaceAndTheRemedy(string query, string value, string says)
    {
        HttpResponseMessage response = await _client.PostJsonAsync(Digits + query, Image($"[0,0,0,0],[0,{value},0,0],[0,0,0,0],[-1,0,0,0]"));

        Assert.Contains(says, await response.FieldErrorAsync("inputs[0][0][1][1]"));
    }

    [Fact]
    public async Task OutOfRange_OfVectors_IsRefusedToo() =>
        Assert.Contains("-3 to 3", await (await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [[1, 2], [3.5, 0]]}""")).FieldErrorAsync("inputs[1][0]"));

    [Theory]
    [InlineData("0.5")]
    [InlineData("-1")]
    [InlineData("255")]
    public async Task OutsideTheAlphabet_IsRefused(string value) =>
        Assert.Contains("neither 0 nor 1", await (await _client.PostJsonAsync("/v1/models/lattice/energy", $$"""{"inputs": [[[[0, 1], [1, {{value}}]]]]}""")).FieldErrorAsync("inputs[0][0][1][1]"));

    [Fact]
    public async Task OutsideTheAlphabet_GrayPng_IsRefused()
    {
        string body = $$$"""{"tensor": {"dtype": "uint8", "shape": [1, 1, 2, 2], "base64": "{{{Convert.ToBase64String([0, 255, 1, 0])}}}"}}""";

        Assert.Contains("the levels 0 and 255", await (await _client.PostJsonAsync("/v1/models/lattice/energy", body)).FieldErrorAsync("tensor[0][0][1][0]"));
    }

    [Fact]
    public async Task NotOneHot_IsRefused() =>
        Assert.Contains("one 1", await (await _client.PostJsonAsync("/v1/models/ring/energy", """{"inputs": [[[1, 0], [0, 1], [1, 1]]]}""")).FieldErrorAsync("inputs[0][2][0]"));

    [Fact]
    public async Task OutOfRange_Allowed_IsComputedAsItIs()
    {
        JsonObject inBody = await (await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [[6, 8]], "outOfRange": "allow"}""")).JsonAsync();
        byte[] npy = NpyFormat.Write(new TensorPayload([1, 2], [6, 8]));
        JsonObject inQuery = await (await _client.PostBytesAsync("/v1/models/moons/energy?outOfRange=allow", npy, NpyFormat.MediaType)).JsonAsync();

        Assert.Equal([50.0, 50.0], new[] { inBody, inQuery }.Select(answer => (double)answer["results"]![0]!["energy"]!));
        await (await _client.PostBytesAsync("/v1/models/moons/energy?outOfRange=1", npy, NpyFormat.MediaType)).FieldErrorAsync("outOfRange");
        Assert.Contains("refuse, allow", await (await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [[6, 8]], "outOfRange": true}""")).FieldErrorAsync("outOfRange"));
    }

    [Theory]
    [InlineData("1.000001")]
    [InlineData("-1.000001")]
    public async Task RoundingAtTheEndsOfTheRange_IsNoFault(string value) =>
        await (await _client.PostJsonAsync(Digits + "energy", Image($"[0,0,0,0],[0,{value},0,0],[0,0,0,0],[0,0,0,0]"))).JsonAsync();

    [Theory]
    [InlineData("sampling", "\"start\": \"data\", \"data\"", "spec.data: ")]
    [InlineData("scoring", "\"data\"", "spec.data: ")]
    public async Task JobOfValuesInASmallerRange_ShowsAWarning(string type, string member, string begins)
    {
        string Body(string value) => $$$"""{"type": "{{{type}}}", "model": "digits", "spec": {{{{member}}}: [[[{{{string.Join(",", Enumerable.Repeat($"[{value},{value},{value},{value}]", 4))}}}]]]}}""";

        JsonObject odd = await (await _client.PostJsonAsync("/v1/jobs", Body("0.5"))).JsonAsync(HttpStatusCode.Accepted);
        JsonObject plain = await (await _client.PostJsonAsync("/v1/jobs", Body("-0.5"))).JsonAsync(HttpStatusCode.Accepted);

        Assert.StartsWith(begins + "All values lie between 0.5 and 0.5", (string?)odd["warnings"]![0], StringComparison.Ordinal);
        Assert.Empty(plain["warnings"]!.AsArray());
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("0.7", true)]
    [InlineData("-0.2", false)]
    public async Task AllValuesInASmallerRange_AreAnsweredWithAWarning(string value, bool warned)
    {
        JsonObject answer = await (await _client.PostJsonAsync(Digits + "classify", Constant(value))).JsonAsync();

        Assert.Equal(warned, answer.ContainsKey("warnings"));
        Assert.True(!warned || ((string)answer["warnings"]![0]!).Contains("another scale", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhatTheServiceMapped_IsNotWarnedOf()
    {
        string body = $$$"""{"tensor": {"dtype": "uint8", "shape": [1, 1, 4, 4], "base64": "{{{Convert.ToBase64String([.. Enumerable.Repeat((byte)200, 16)])}}}"}}""";

        Assert.False((await (await _client.PostJsonAsync(Digits + "energy", body)).JsonAsync()).ContainsKey("warnings"));
    }

    [Fact]
    public async Task TransparentPng_IsRefusedWhereTheModelDeclaresNoBackground() =>
        Assert.Contains("transparent", await (await _client.PostAsync(Digits + "classify", PngFiles.Form(PngFiles.Transparent(4, 4)), HttpTestExtensions.Cancel)).FieldErrorAsync("files[0]"));

    [Fact]
    public async Task NpyAnywayWritten_IsReadAsTheSameArray()
    {
        // Fortran order, big-endian, keys in another order: x = [[1, 2], [0, -1]].
        byte[] header = "{ \"fortran_order\" :True,'shape':(2, 2), 'descr': '>f4'}\n"u8.ToArray();
        byte[] body = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, 0x3F, 0x80, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0xBF, 0x80, 0, 0];

        JsonObject answer = await (await _client.PostBytesAsync("/v1/models/moons/energy?gradients=true", body, NpyFormat.MediaType)).JsonAsync();

        Assert.Equal(["[1,2]", "[0,-1]"], answer["results"]!.AsArray().Select(result => result!["gradient"]!.ToJsonString()));
    }

    [Fact]
    public async Task NpyOfUint8_WhereverItsDtypeStands_IsMapped()
    {
        byte[] header = ("{'shape':(1,1,4,4)," + new string(' ', 200) + "'fortran_order':False,'descr':'|u1'}").Select(letter => (byte)letter).ToArray();
        byte[] body = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. header, .. Enumerable.Repeat((byte)255, 16)];

        JsonObject answer = await (await _client.PostBytesAsync(Digits + "energy", body, NpyFormat.MediaType)).JsonAsync();

        Assert.Equal(8, (double)answer["results"]![0]!["energy"]!, 4);
    }

    [Fact]
    public async Task Base64DtypeAsANumber_IsRefused() =>
        await (await _client.PostJsonAsync("/v1/models/moons/energy", """{"tensor": {"dtype": 7, "shape": [1, 2], "base64": "AQI="}}""")).FieldErrorAsync("tensor.dtype");

    [Theory]
    [InlineData("energy")]
    [InlineData("classify")]
    [InlineData("ood")]
    public async Task NotFinite_IsAnErrorOfThatRowAlone(string query)
    {
        string huge = string.Join(",", Enumerable.Repeat("[3e38,3e38,3e38,3e38]", 4)), fine = string.Join(",", Enumerable.Repeat("[-1,0,0,0]", 4));

        JsonObject answer = await (await _client.PostJsonAsync(Digits + query, $$"""{"inputs": [[[{{fine}}]], [[{{huge}}]]], "outOfRange": "allow"}""")).JsonAsync();

        JsonObject good = answer["results"]![0]!.AsObject(), bad = answer["results"]![1]!.AsObject();
        Assert.False(good.ContainsKey("error"));
        Assert.Contains("not finite", (string?)bad["error"]);
        foreach (string member in (string[])["energy", "label", "labelIndex", "verdict", "pValue"])
        {
            Assert.True(bad[member] is null, member);
            Assert.Equal(good.ContainsKey(member), bad.ContainsKey(member));
            Assert.True(!good.ContainsKey(member) || good[member] is not null, member);
        }
    }

    [Theory]
    [InlineData("energy", 1)]
    [InlineData("classify", 3)]
    [InlineData("ood", 1)]
    public async Task NotFinite_InAnArray_IsANaNRowThatAHeaderNames(string query, int width)
    {
        byte[] npy = NpyFormat.Write(new TensorPayload([2, 1, 4, 4], [.. Enumerable.Repeat(-0.5f, 16), .. Enumerable.Repeat(3e38f, 16)]));
        var request = new HttpRequestMessage(HttpMethod.Post, $"{Digits}{query}?outOfRange=allow") { Content = new ByteArrayContent(npy) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(NpyFormat.MediaType);
        request.Headers.Accept.ParseAdd(NpyFormat.MediaType);

        HttpResponseMessage response = await _client.SendAsync(request, HttpTestExtensions.Cancel);
        float[] values = NpyFormat.Read(await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel)).Values;

        Assert.Equal("1", Assert.Single(response.Headers.GetValues("Ebm-Failed-Rows")));
        Assert.All(values[..width], value => Assert.True(float.IsFinite(value)));
        Assert.All(values[width..], value => Assert.True(float.IsNaN(value)));
    }

    [Theory]
    [InlineData("""{"data": [[0, 0], [9, 0]]}""", "spec.data[1][0]", "-3 to 3")]
    [InlineData("""{"held": {"mask": [1, 0], "values": [[0, 0], [-9, 0]]}}""", "spec.held.values[1][0]", "-3 to 3")]
    public async Task JobsNumbers_OutOfRange_AreRefusedUnlessAllowed(string spec, string field, string says)
    {
        string Body(string more) => $$"""{"model": "moons", "spec": {{spec[..^1]}}{{more}}, "kernel": "mala"} }""";

        Assert.Contains(says, await (await _client.PostJsonAsync("/v1/jobs", Body(""))).FieldErrorAsync(field));
        JsonObject job = await (await _client.PostJsonAsync("/v1/jobs", Body(", \"outOfRange\": \"allow\""))).JsonAsync(HttpStatusCode.Accepted);
        // Sent again, the spec means the same.
        Assert.Equal("allow", (string?)job["spec"]!["outOfRange"]);
    }
}
