using System.Net;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Jobs;

/// <summary>Scores what another job has left.</summary>
[Collection(ServiceCollection.Name)]
public sealed class ScoringJobTests(ServiceFixture fixture)
{
    private const string Model = "two-moons";

    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Samples_OfAnotherJob_HaveTheEnergiesOfAQuery()
    {
        string sampled = await Client.SubmitAsync(HttpSteps.Spec(40, 60, 5), Model);
        await Client.WaitForEndAsync(sampled);
        TensorPayload samples = NpyFormat.Read(await Client.GetResultAsync(sampled, "samples.npy"));
        var spec = new JsonObject { ["job"] = new JsonObject { ["id"] = sampled }, ["blockSize"] = 16 };
        var body = new JsonObject { ["type"] = "scoring", ["model"] = Model, ["spec"] = spec };

        string scored = (string)(await Client.PostJsonAsync("/v1/jobs", body, HttpStatusCode.Accepted))["id"]!;
        using HttpResponseMessage deleted = await Client.DeleteAsync($"/v1/jobs/{sampled}", HttpSteps.Cancel);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        JsonObject ended = await Client.WaitForEndAsync(scored);

        Assert.Equal("succeeded", (string?)ended["status"]);
        TensorPayload energies = NpyFormat.Read(await Client.GetResultAsync(scored, "energy.npy"));
        Assert.Equal([40], energies.Shape);
        Assert.Equal(await AskAsync(samples), energies.Values);
    }

    private async Task<float[]> AskAsync(TensorPayload rows)
    {
        // Samples may lie outside the model's range: other jobs' rows are taken as they are.
        using HttpResponseMessage answer =
            await Client.PostAsync($"/v1/models/{Model}/energy?outOfRange=allow", Digits.Npy(rows), HttpSteps.Cancel);
        JsonArray results = (await HttpSteps.ReadAsync(answer, HttpStatusCode.OK))["results"]!.AsArray();
        return [.. results.Select(result => (float)(double)result!["energy"]!)];
    }
}
