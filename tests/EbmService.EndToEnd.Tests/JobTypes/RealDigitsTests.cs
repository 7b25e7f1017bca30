using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.JobTypes;

/// <summary>What the tasks say of twenty real test digits, uploaded as a zip of one folder per class.</summary>
[Collection(ServiceCollection.Name)]
public sealed class RealDigitsTests(ServiceFixture fixture)
{
    private const string Dataset = "real-digits";

    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Assessment_OfDigitsAgainstNoise_TellsThemApartAndReadsThem()
    {
        await UploadAsync();
        JsonNode report = await RunAsync("assessment", $$"""
            {"inDistribution": {"dataset": "{{Dataset}}"}, "bootstrap": 20,
             "outOfDistribution": [{"name": "noise", "rows": {"npy": "{{Convert.ToBase64String(NpyFormat.Write(Digits.Noise(20, 5)))}}"} }]}
            """, "assessment.json");

        JsonNode compared = report["comparisons"]!.AsArray().Single(one => (string)one!["score"]! == "combined")!;
        Assert.True((double)compared["metrics"]!["auroc"]! >= 0.99, compared.ToJsonString());
        Assert.True((double)report["classification"]!["accuracy"]! >= 0.95, report["classification"]!.ToJsonString());
    }

    [EndToEndFact]
    public async Task Robustness_OfDigits_FallsWithTheRadius()
    {
        await UploadAsync();
        JsonNode summary = await RunAsync("robustness", $$"""
            {"inputs": {"dataset": "{{Dataset}}"}, "steps": 10, "radii": [0.02, 0.3], "seed": 1}
            """, "robustness.json");

        double[] accuracy = [.. summary["curves"]![0]!["points"]!.AsArray().Select(point => (double)point!["accuracy"]!)];
        Assert.Equal((0.95, true), (Math.Min(accuracy[0], 0.95), accuracy.SequenceEqual(accuracy.OrderDescending())));
        Assert.True(accuracy[^1] < 0.5, $"at 0.3 {accuracy[^1]} are still read: the attack does not work");
    }

    [EndToEndFact]
    public async Task Restoration_OfHalfDigits_KeepsWhatIsKnownAndDrawsTheRest()
    {
        await UploadAsync();
        const string Spec = """
            {"truth": {"dataset": "real-digits", "count": 4}, "reference": {"dataset": "real-digits", "offset": 4}, "start": "reference",
             "damage": {"kind": "half", "side": "right"}, "samples": 4, "seed": 1}
            """;
        string id = await StartAsync("restoration", Spec);
        TensorPayload restored = NpyFormat.Read(await Client.GetResultAsync(id, "restored.npy"));

        Assert.Equal([4, 1, 28, 28], restored.Shape);
        TensorPayload truth = Digits.Tensor([.. Digits.Files.Take(4).Select(file => file.Path)]);
        for (int i = 0; i < truth.Values.Length; i++)
        {
            if (i % 28 < 14)
                Assert.Equal(truth.Values[i], restored.Values[i], 1e-6);
        }
        Assert.Contains(Enumerable.Range(0, truth.Values.Length), i => i % 28 >= 14 && restored.Values[i] > 0);
    }

    private async Task UploadAsync()
    {
        using var buffer = new MemoryStream();
        using (var zip = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string path, int label) in Digits.Files)
            {
                using Stream entry = zip.CreateEntry($"{label}/{Path.GetFileName(path)}").Open();
                entry.Write(File.ReadAllBytes(path));
            }
        }
        using var body = new ByteArrayContent(buffer.ToArray());
        body.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
        using HttpResponseMessage answer = await Client.PutAsync($"/v1/datasets/{Dataset}", body, HttpSteps.Cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(HttpSteps.Cancel));
    }

    private async Task<string> StartAsync(string type, string spec)
    {
        var body = new JsonObject { ["type"] = type, ["model"] = ServiceHost.Model, ["spec"] = JsonNode.Parse(spec) };
        string id = (string)(await Client.PostJsonAsync("/v1/jobs", body, HttpStatusCode.Accepted))["id"]!;
        JsonObject job = await Client.WaitForEndAsync(id);
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());
        return id;
    }

    private async Task<JsonNode> RunAsync(string type, string spec, string result) =>
        JsonNode.Parse(await Client.GetResultAsync(await StartAsync(type, spec), result))!;
}
