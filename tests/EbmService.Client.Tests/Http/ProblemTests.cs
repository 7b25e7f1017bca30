using System.Net;
using EbmService.Core.Failures;
using Xunit;

namespace EbmService.Client.Tests.Http;

/// <summary>Whatever goes wrong is one kind of exception.</summary>
public sealed class ProblemTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Problem_WithFields_HasAllThatTheServiceSaid()
    {
        var service = new FakeService(FakeService.Problem(
            HttpStatusCode.BadRequest, "invalidRequest", errors: """{"spec.stepSize": ["Must be above 0.", "Again."], "model": ["Missing."]}"""));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal(("invalidRequest", 400, "A title.", "What happened.", "What to do.", "00-1"),
            (problem.Code, problem.Status, problem.Title, problem.Detail, problem.Remedy, problem.TraceId));
        Assert.Equal(["Must be above 0.", "Again."], problem.Errors["spec.stepSize"]);
        Assert.True(problem.Is(FailureCode.InvalidRequest));
        Assert.Equal(
            ["invalidRequest (400): What happened.", "  spec.stepSize: Must be above 0. Again.", "  model: Missing.", "What to do."],
            problem.Describe().Split(Environment.NewLine));
    }

    [Fact]
    public async Task Problem_OfANewerService_KeepsItsCode()
    {
        var service = new FakeService(FakeService.Problem((HttpStatusCode)418, "teapot"));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal(("teapot", 418), (problem.Code, problem.Status));
    }

    [Theory]
    [InlineData(401, "unauthorized")]
    [InlineData(403, "forbidden")]
    [InlineData(500, EbmException.UnexpectedAnswer)]
    public async Task Answer_OfAProxy_NamesStatusAndAddress(int status, string code)
    {
        var service = new FakeService(new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent("<html>", null, "text/html") });

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal((code, status), (problem.Code, problem.Status));
        Assert.Contains("http://localhost:5080/v1/jobs/0198", problem.Message);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("null")]
    [InlineData("""{"hello": "world"}""")]
    public async Task Success_OfAnotherProgram_IsUnexpected(string body)
    {
        var service = new FakeService(FakeService.Json(body));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal(EbmException.UnexpectedAnswer, problem.Code);
    }

    [Fact]
    public async Task NotReady_IsAnAnswer()
    {
        const string NotReady = """
            {"status": "notReady", "checks": {"worker": {"ready": false, "queuedJobs": 0, "runningJobs": 0, "queueCapacity": 1},
             "models": {"ready": false, "readyVersions": 0, "unavailable": ["a/1"]}}}
            """;
        var service = new FakeService(FakeService.Json(NotReady, HttpStatusCode.ServiceUnavailable));

        Assert.Equal("notReady", (await service.Client().Service.ReadyAsync(Cancel)).Status);
        Assert.Single(service.Sent);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task Name_ThatWouldChangeThePath_IsRefused(string name) =>
        await Assert.ThrowsAsync<ArgumentException>(() => new FakeService().Client().Jobs.GetAsync(name, Cancel));

    [Fact]
    public async Task Name_WithSlash_StaysOneStepOfThePath()
    {
        var service = new FakeService(FakeService.Json(Answers.Job));

        await service.Client().Jobs.GetAsync("a/../b?c", Cancel);

        Assert.Equal("/v1/jobs/a%2F..%2Fb%3Fc", service.Sent[0].Path);
    }
}
