using System.Net;
using System.Text.Json.Nodes;
using EbmService.Client;
using EbmService.Core.Queries;
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
        ClassifyResponse answer = await fixture.Service.Ebm.Queries.ClassifyAsync(ServiceHost.Model, Files(), cancellationToken: HttpSteps.Cancel);

        int right = answer.Results.Zip(Digits.Files).Count(pair => pair.First.LabelIndex == pair.Second.Label);
        Assert.True(right >= Pictures.Length - 1, $"{right} of {Pictures.Length} digits were recognised.");
        Assert.All(answer.Results, result => Assert.Equal(1, result.Probabilities.Sum(value => value!.Value), 1e-4));
    }

    [EndToEndFact]
    public async Task Ood_DigitsAndNoise_AreToldApart()
    {
        QueriesClient queries = fixture.Service.Ebm.Queries;
        OodResponse digits = await queries.OodAsync(ServiceHost.Model, Files(), cancellationToken: HttpSteps.Cancel);
        OodResponse noise = await queries.OodAsync(ServiceHost.Model, Digits.Noise(20, seed: 3), cancellationToken: HttpSteps.Cancel);

        Assert.NotNull(noise.CalibrationId);
        Assert.All(noise.Results, result => Assert.Equal(OodVerdict.OutOfDistribution, result.Verdict));
        // At alpha = 0.05 one of twenty digits is refused on average; more than four would be a 1-in-400 chance.
        Assert.True(digits.Results.Count(result => result.Verdict == OodVerdict.InDistribution) >= Pictures.Length - 4);
        Assert.All(digits.Results.Concat(noise.Results), result => Assert.InRange(result.PValue!.Value, 1e-9, 1));
        Assert.All(digits.Results, result => Assert.True(result.Scores.Count >= 4));
    }

    private static QueryInput Files() => QueryInput.FromPng([.. Pictures.Select(path => (ReadOnlyMemory<byte>)File.ReadAllBytes(path))]);

    private static string Path(string query) => $"/v1/models/{ServiceHost.Model}/{query}";

    private async Task<JsonObject> AskAsync(string query, HttpContent content) =>
        await HttpSteps.ReadAsync(await Client.PostAsync(Path(query), content, HttpSteps.Cancel), HttpStatusCode.OK);

    private static double[] Energies(JsonObject answer) => [.. answer["results"]!.AsArray().Select(result => (double)result!["energy"]!)];
}
