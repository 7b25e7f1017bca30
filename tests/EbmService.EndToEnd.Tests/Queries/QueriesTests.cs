using System.Net;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Queries;

/// <summary>The short queries on real digits.</summary>
[Collection(ServiceCollection.Name)]
public sealed class QueriesTests(ServiceFixture fixture)
{
    private static readonly string[] Pictures = [.. Digits.Files.Select(file => file.Path)];

    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Energy_SameInputsInEveryFormat_HasTheSameBits()
    {
        TensorPayload inputs = Digits.Noise(3, seed: 1);

        double[] nested = Energies(await Client.PostJsonAsync(Path("energy"), Digits.Nested(inputs)));
        double[] base64 = Energies(await Client.PostJsonAsync(Path("energy"), Digits.Base64(inputs)));
        double[] npy = Energies(await AskAsync("energy", Digits.Npy(inputs)));

        Assert.Equal(3, nested.Length);
        Assert.Equal(nested, base64);
        Assert.Equal(nested, npy);
    }

    [EndToEndFact]
    public async Task Energy_PicturesAndTheirBytes_HaveTheSameBits()
    {
        double[] uploaded = Energies(await AskAsync("energy", Digits.Form(Pictures)));
        byte[] bytes = [.. Pictures.SelectMany(Digits.Pixels)];
        double[] sent = Energies(await Client.PostJsonAsync(Path("energy"), Digits.Base64("uint8", Pictures.Length, bytes)));
        double[] alone = Energies(await AskAsync("energy", Digits.Form([Pictures[7]])));

        Assert.Equal(Pictures.Length, uploaded.Length);
        Assert.Equal(uploaded, sent);
        Assert.Equal(uploaded[7], alone[0]);
    }

    [EndToEndFact]
    public async Task Energy_AcceptNpy_AnswersAnArray()
    {
        TensorPayload inputs = Digits.Noise(2, seed: 2);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path("energy")) { Content = Digits.Npy(inputs) };
        request.Headers.Accept.ParseAdd(NpyFormat.MediaType);

        using HttpResponseMessage answer = await Client.SendAsync(request, HttpSteps.Cancel);
        TensorPayload energies = NpyFormat.Read(await answer.Content.ReadAsByteArrayAsync(HttpSteps.Cancel));

        double[] json = Energies(await AskAsync("energy", Digits.Npy(inputs)));
        Assert.Equal([2], energies.Shape);
        Assert.Equal(json.Select(value => (float)value), energies.Values);
    }

    [EndToEndFact]
    public async Task Classify_RealDigits_FindsTheirClasses()
    {
        JsonObject answer = await AskAsync("classify", Digits.Form(Pictures));

        JsonArray results = answer["results"]!.AsArray();
        int right = results.Zip(Digits.Files).Count(pair => (int)pair.First!["labelIndex"]! == pair.Second.Label);
        Assert.True(right >= Pictures.Length - 1, $"{right} of {Pictures.Length} digits were recognised.");
        Assert.All(results, result => Assert.Equal(1, result!["probabilities"]!.AsArray().Sum(value => (double)value!), 1e-4));
    }

    [EndToEndFact]
    public async Task Ood_DigitsAndNoise_AreToldApart()
    {
        JsonArray digits = (await AskAsync("ood", Digits.Form(Pictures)))["results"]!.AsArray();
        JsonObject noiseAnswer = await AskAsync("ood", Digits.Npy(Digits.Noise(20, seed: 3)));
        JsonArray noise = noiseAnswer["results"]!.AsArray();

        Assert.NotNull((string?)noiseAnswer["calibrationId"]);
        Assert.All(noise, result => Assert.Equal("outOfDistribution", (string?)result!["verdict"]));
        // At alpha = 0.05 one of twenty digits is refused on average; more than four would be a 1-in-400 chance.
        Assert.True(digits.Count(result => (string?)result!["verdict"] == "inDistribution") >= Pictures.Length - 4);
        Assert.All(digits.Concat(noise), result => Assert.InRange((double)result!["pValue"]!, 1e-9, 1));
        Assert.All(digits, result => Assert.True(result!["scores"]!.AsObject().Count >= 4));
    }

    private static string Path(string query) => $"/v1/models/{ServiceHost.Model}/{query}";

    private async Task<JsonObject> AskAsync(string query, HttpContent content) =>
        await HttpSteps.ReadAsync(await Client.PostAsync(Path(query), content, HttpSteps.Cancel), HttpStatusCode.OK);

    private static double[] Energies(JsonObject answer) => [.. answer["results"]!.AsArray().Select(result => (double)result!["energy"]!)];
}
