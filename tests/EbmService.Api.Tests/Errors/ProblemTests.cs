using System.Net;
using System.Text.Json.Nodes;
using EbmService.Api.Errors;
using EbmService.Core.Failures;
using Xunit;

namespace EbmService.Api.Tests.Errors;

public sealed class ProblemTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public ProblemTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task UnknownRoute_Is404Problem() =>
        await (await _client.GetAsync("/v1/nothing", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "routeNotFound");

    [Fact]
    public async Task WrongMethod_Is405ProblemWithTheRightOnes()
    {
        JsonObject problem = await (await _client.DeleteAsync("/v1/models", HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.MethodNotAllowed, "methodNotAllowed");

        Assert.Contains("GET", (string?)problem["remedy"]);
    }

    [Fact]
    public async Task UnhandledException_Is500WithoutInternals()
    {
        _factory.Queries.Throws = new InvalidOperationException("secret /home/me/weights");

        HttpResponseMessage response = await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [[1, 2]]}""");

        string text = (await response.ProblemAsync(HttpStatusCode.InternalServerError, "internal")).ToJsonString();
        Assert.DoesNotContain("secret", text);
        Assert.DoesNotContain("Exception", text);
    }

    [Fact]
    public async Task FailureFromTheDevice_KeepsItsCode()
    {
        _factory.Queries.Fails = new Failure(FailureCode.DeviceLost, "The device stopped answering.");

        HttpResponseMessage response = await _client.PostJsonAsync("/v1/models/moons/energy", """{"inputs": [[1, 2]]}""");

        await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "deviceLost");
    }

    [Fact]
    public void Table_EveryFailureCode_HasItsOwnRow()
    {
        foreach (FailureCode code in Enum.GetValues<FailureCode>().Where(code => code != FailureCode.Internal))
            Assert.NotSame(FailureProblemMapper.KindOf(FailureCode.Internal), FailureProblemMapper.KindOf(code));
    }
}
