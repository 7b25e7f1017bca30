using System.Net;
using Xunit;

namespace EbmService.Api.Tests.Telemetry;

public sealed class MetricsEndpointTests
{
    [Fact]
    public async Task Metrics_ByDefault_AreThoseOfTheServiceAndOfHttp()
    {
        await using var factory = new ApiFactory();
        HttpClient client = factory.CreateClient();
        await client.GetAsync("/v1/models", HttpTestExtensions.Cancel);
        HttpResponseMessage response = await client.GetAsync("/metrics", HttpTestExtensions.Cancel);
        string text = await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.OK, "text/plain"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("target_info{service_name=\"ebm-service\"", text, StringComparison.Ordinal);
        Assert.Contains("http_route=\"/v1/models/\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Telemetry:Prometheus", "false")]
    [InlineData("Telemetry:Enabled", "false")]
    [InlineData("OTEL_SDK_DISABLED", "true")]
    public async Task Metrics_SwitchedOff_Are404(string setting, string value)
    {
        await using var factory = new ApiFactory { Settings = { [setting] = value } };

        Assert.Equal(HttpStatusCode.NotFound, (await factory.CreateClient().GetAsync("/metrics", HttpTestExtensions.Cancel)).StatusCode);
    }
}
