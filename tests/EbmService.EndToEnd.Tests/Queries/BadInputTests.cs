using System.Net;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Queries;

/// <summary>What people get wrong: each answer names the member and says what to do.</summary>
[Collection(ServiceCollection.Name)]
public sealed class BadInputTests(ServiceFixture fixture)
{
    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Queries_BadInputs_GetProblemsThatNameTheMember()
    {
        await RefusedAsync("/v1/models/mnist-jem/energy", """{"inputs": [[1, 2], [3, 4]]}""", HttpStatusCode.BadRequest, "inputs");
        await RefusedAsync("/v1/models/mnist-jem/energy", """{"inputs": [[1, 2], [3]]}""", HttpStatusCode.BadRequest, "inputs");
        await RefusedAsync("/v1/models/mnist-jem/energy", """{"inputs": [["a"]]}""", HttpStatusCode.BadRequest, "inputs");
        await RefusedAsync("/v1/models/mnist-jem/energy", """{"input": []}""", HttpStatusCode.BadRequest, "input");
        await RefusedAsync("/v1/models/nobody/energy", """{"inputs": []}""", HttpStatusCode.NotFound, null);
    }

    [EndToEndFact]
    public async Task Jobs_BadSpecs_GetProblemsThatNameTheMember()
    {
        await JobRefusedAsync("""{"steps": -1}""", HttpStatusCode.BadRequest, "spec.steps");
        await JobRefusedAsync("""{"steps": 1000000000}""", HttpStatusCode.UnprocessableEntity, "spec.steps");
        await JobRefusedAsync("""{"recipe": "nobody"}""", HttpStatusCode.BadRequest, "spec.recipe");
        await JobRefusedAsync("""{"noise": 0.1, "temperature": 1}""", HttpStatusCode.BadRequest, "spec.");
        await JobRefusedAsync("""{"labels": [10]}""", HttpStatusCode.BadRequest, "spec.labels");
        await JobRefusedAsync("""{"step": 5}""", HttpStatusCode.BadRequest, "step");
    }

    [EndToEndFact]
    public async Task Pictures_WrongSizeOrNotAPicture_GetProblems()
    {
        byte[] png = File.ReadAllBytes(Digits.Files[0].Path);
        byte[] huge = [.. png];
        // IHDR announces 10 000 x 10 000 pixels.
        (huge[18], huge[19], huge[22], huge[23]) = (0x27, 0x10, 0x27, 0x10);

        foreach (byte[] file in (byte[][])[huge, png[..60], "no picture"u8.ToArray()])
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(file), "files", "digit.png" } };
            Check(await HttpSteps.ReadAsync(await Client.PostAsync("/v1/models/mnist-jem/energy", form, HttpSteps.Cancel), HttpStatusCode.BadRequest), "files[0]");
        }
    }

    [EndToEndFact]
    public async Task Jobs_Unknown_AreNotFound()
    {
        using HttpResponseMessage answer = await Client.GetAsync("/v1/jobs/nobody", HttpSteps.Cancel);

        Check(await HttpSteps.ReadAsync(answer, HttpStatusCode.NotFound), null);
    }

    private Task JobRefusedAsync(string spec, HttpStatusCode status, string member) =>
        RefusedAsync("/v1/jobs", $$"""{"type": "sampling", "model": "mnist-jem", "spec": {{spec}}}""", status, member);

    private async Task RefusedAsync(string path, string body, HttpStatusCode status, string? member) =>
        Check(await Client.PostTextAsync(path, body, status), member);

    private static void Check(JsonObject problem, string? member)
    {
        Assert.StartsWith("urn:ebmservice:problem:", (string?)problem["type"]);
        Assert.False(string.IsNullOrWhiteSpace((string?)problem["remedy"]));
        Assert.DoesNotContain("   at ", problem.ToJsonString(), StringComparison.Ordinal);
        if (member is not null)
            Assert.Contains(problem["errors"]!.AsObject(), error => error.Key.Contains(member, StringComparison.Ordinal));
    }
}
