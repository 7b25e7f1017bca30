using System.Net;
using EbmService.Core.Sampling;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Client.Tests.Http;

/// <summary>What is sent again, and when.</summary>
public sealed class RetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_Busy_IsSentAgainAfterTheNamedTime()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "1"), FakeService.Json(Answers.Job));

        await service.Client().Jobs.GetAsync("0198", Cancel);

        Assert.Equal(2, service.Sent.Count);
        Assert.InRange(service.Sent[1].At - service.Sent[0].At, TimeSpan.FromSeconds(0.95), TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(502)]
    [InlineData(504)]
    public async Task Get_PassingStatus_IsSentAgain(int status)
    {
        var service = new FakeService(new HttpResponseMessage((HttpStatusCode)status), FakeService.Json(Answers.Job));

        await service.Client().Jobs.GetAsync("0198", Cancel);

        Assert.Equal(2, service.Sent.Count);
    }

    [Theory]
    [InlineData(400, "invalidRequest")]
    [InlineData(404, "jobNotFound")]
    [InlineData(409, "invalidTransition")]
    [InlineData(500, "internal")]
    [InlineData(507, "insufficientStorage")]
    [InlineData(503, "modelUnavailable")]
    public async Task Get_WhatAWaitDoesNotMend_IsSentOnce(int status, string code)
    {
        var service = new FakeService(FakeService.Problem((HttpStatusCode)status, code, status == 503 ? "0" : null));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal((code, status, 1), (problem.Code, problem.Status, service.Sent.Count));
    }

    [Fact]
    public async Task Get_BusyForever_ThrowsTheProblemAfterAllRetries()
    {
        var service = new FakeService((_, _) => FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "0"));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client(o => o.MaxRetries = 3).Jobs.GetAsync("0198", Cancel));

        Assert.Equal(("queueFull", 4), (problem.Code, service.Sent.Count));
    }

    [Fact]
    public async Task Get_RetryAfterBeyondTheLongestWait_ThrowsAtOnceAndSaysWhen()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "31"));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.GetAsync("0198", Cancel));

        Assert.Equal((TimeSpan.FromSeconds(31), 1), (problem.RetryAfter, service.Sent.Count));
    }

    [Fact]
    public async Task Create_Busy_IsSentAgainWithTheSameKeyAndBody()
    {
        var service = new FakeService((number, _) => number switch
        {
            0 => FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "0"),
            1 => FakeService.Problem(HttpStatusCode.Conflict, "idempotencyInFlight"),
            _ => FakeService.Json(Answers.Job, HttpStatusCode.Accepted),
        });
        EbmClient client = service.Client();

        await client.Jobs.CreateAsync("bowl", new SamplingRequest { Chains = 4 }, cancellationToken: Cancel);
        await client.Jobs.CreateAsync("bowl", new SamplingRequest { Chains = 4 }, cancellationToken: Cancel);

        Assert.Equal(4, service.Sent.Count);
        string[] keys = [.. service.Sent.Select(request => request.Headers["Idempotency-Key"])];
        Assert.Equal([keys[0], keys[0], keys[0]], keys[..3]);
        Assert.NotEqual(keys[0], keys[3]);
        Assert.All(service.Sent, request => Assert.Equal("""{"spec":{"chains":4},"model":"bowl","type":"sampling"}""", request.Text));
    }

    [Fact]
    public async Task Query_Busy_IsSentAgainWithTheSameBody()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "deviceLost", "0"), FakeService.Json(Answers.Energy));

        await service.Client().Queries.EnergyAsync("bowl", QueryInput.FromValues(new float[] { 1, 2, 3, 4 }, 2, 2), cancellationToken: Cancel);

        Assert.Equal(service.Sent[0].Body, service.Sent[1].Body);
    }

    [Fact]
    public async Task Extend_Busy_IsSentOnce()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "0"));

        await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.ExtendAsync("0198", 10, Cancel));

        Assert.Single(service.Sent);
    }

    [Theory]
    [InlineData(HttpRequestError.ConnectionError, 2)]
    [InlineData(HttpRequestError.NameResolutionError, 2)]
    [InlineData(HttpRequestError.ResponseEnded, 1)]
    public async Task Extend_BrokenConnection_IsSentAgainOnlyWhereItWasNeverSent(HttpRequestError error, int times)
    {
        var service = new FakeService((number, _) => number == 0
            ? throw new HttpRequestException(error, "broken") : FakeService.Json(Answers.Job, HttpStatusCode.Accepted));

        Exception? failed = await Record.ExceptionAsync(() => service.Client().Jobs.ExtendAsync("0198", 10, Cancel));

        Assert.Equal(times, service.Sent.Count);
        Assert.Equal(times == 1 ? EbmException.ConnectionFailed : null, (failed as EbmException)?.Code);
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task Upload_Busy_IsSentAgainWhereTheStreamCanGoBack(bool seekable, int times)
    {
        const string Dataset = """
            {"name": "d", "rows": 1, "shape": [1, 2], "dtype": "uint8", "min": 0, "max": 1, "isBinary": true, "sha256": "0", "labels": null,
             "bytes": 10, "createdAt": "2026-01-02T03:04:05+00:00", "links": {}}
            """;
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "shuttingDown", "0"), FakeService.Json(Dataset));
        using var rows = new MemoryStream([9, 9, 1, 2, 3]) { Position = 2 };

        await Record.ExceptionAsync(() => service.Client().Datasets.UploadAsync("d", seekable ? rows : new ForwardStream(rows), cancellationToken: Cancel));

        Assert.Equal(times, service.Sent.Count);
        Assert.All(service.Sent, request => Assert.Equal([1, 2, 3], request.Body));
        Assert.All(service.Sent, request => Assert.Equal("application/octet-stream", request.Headers["Content-Type"]));
    }

    [Fact]
    public async Task Delete_GoneWhenSentAgain_IsDone()
    {
        var service = new FakeService(new HttpResponseMessage(HttpStatusCode.BadGateway), FakeService.Problem(HttpStatusCode.NotFound, "jobNotFound"));

        await service.Client().Jobs.DeleteAsync("0198", Cancel);

        Assert.Equal(2, service.Sent.Count);
    }

    [Fact]
    public async Task Delete_NeverThere_Throws()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.NotFound, "jobNotFound"));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service.Client().Jobs.DeleteAsync("0198", Cancel));

        Assert.True(problem.Is(Core.Failures.FailureCode.JobNotFound));
    }

    [Fact]
    public async Task Get_NoAnswer_TimesOutEachAttempt()
    {
        var service = new FakeService(FakeService.Json(Answers.Job)) { Delay = TimeSpan.FromSeconds(30) };

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => service
            .Client(o => (o.MaxRetries, o.RequestTimeout) = (1, TimeSpan.FromMilliseconds(50))).Jobs.GetAsync("0198", Cancel));

        Assert.Equal((EbmException.TimedOut, 0, 2), (problem.Code, problem.Status, service.Sent.Count));
    }

    [Fact]
    public async Task Cancel_WhileWaitingForARetry_IsACancel()
    {
        var service = new FakeService((_, _) => FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "20"));
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => service.Client().Jobs.GetAsync("0198", cancel.Token));

        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        Assert.Single(service.Sent);
    }

    [Fact]
    public async Task AddEbmClient_RetriesAndSendsKeyAndTenant()
    {
        var service = new FakeService(FakeService.Problem(HttpStatusCode.ServiceUnavailable, "queueFull", "0"), FakeService.Json(Answers.Job));
        var services = new ServiceCollection();
        services.AddEbmClient(options =>
        {
            options.BaseAddress = new Uri("http://localhost:1/prefix");
            (options.ApiKey, options.Tenant) = ("secret", "lab");
        }).ConfigurePrimaryHttpMessageHandler(() => service);
        await using ServiceProvider provider = services.BuildServiceProvider();

        await provider.GetRequiredService<EbmClient>().Jobs.GetAsync("0198", Cancel);

        Assert.Equal(2, service.Sent.Count);
        Assert.All(service.Sent, request => Assert.Equal(
            ("/prefix/v1/jobs/0198", "Bearer secret", "lab"), (request.Path, request.Headers["Authorization"], request.Headers["X-Tenant"])));
    }

    [Fact]
    public void Options_Wrong_AreRefusedTogether()
    {
        var options = new EbmClientOptions { MaxRetries = -1, Tenant = "a b" };

        ArgumentException refused = Assert.Throws<ArgumentException>(() => EbmClient.Create(options));

        Assert.Contains("MaxRetries", refused.Message);
        Assert.Contains("Tenant", refused.Message);
    }

    private sealed class ForwardStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
