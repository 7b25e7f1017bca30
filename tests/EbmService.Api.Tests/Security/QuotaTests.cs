using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>Requests a second of each tenant, and what answers tell of them.</summary>
public sealed class QuotaTests
{
    [Fact]
    public async Task Requests_OverTheQuota_Are429WithTheTimeToWait_OfThatTenantAlone()
    {
        using var factory = new ApiFactory
        {
            Settings = new()
            {
                ["Quotas:Default:RequestsPerSecond"] = "0.05", ["Quotas:Default:Burst"] = "3", ["Quotas:Tenants:rich:RequestsPerSecond"] = "100000",
            },
        };
        string poor = factory.Keys.Add("poor"), second = factory.Keys.Add("poor"), other = factory.Keys.Add("other"), rich = factory.Keys.Add("rich");
        using HttpClient client = factory.CreateClient();
        for (int left = 2; left >= 0; left--)
        {
            HttpResponseMessage answer = await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(left == 1 ? second : poor));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("\"requests\";q=3;w=60", Header(answer, "RateLimit-Policy"));
            Assert.StartsWith($"\"requests\";r={left};t=", Header(answer, "RateLimit"));
        }

        HttpResponseMessage refused = await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(poor));

        await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "quotaExceeded");
        Assert.InRange(int.Parse(Header(refused, "Retry-After"), CultureInfo.InvariantCulture), 1, 20);
        Assert.StartsWith("\"requests\";r=0;t=", Header(refused, "RateLimit"));
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(other))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live", HttpTestExtensions.Cancel)).StatusCode);
        for (int i = 0; i < 20; i++)
            Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(rich))).StatusCode);
    }

    [Fact]
    public async Task WithoutQuotas_NothingIsCounted()
    {
        using var factory = new ApiFactory();

        HttpResponseMessage answer = await factory.CreateClient().GetAsync("/v1/models", HttpTestExtensions.Cancel);

        Assert.False(answer.Headers.Contains("RateLimit"));
    }

    [Fact]
    public void BadQuotas_AreReportedTogetherAtStart()
    {
        using var factory = new ApiFactory
        {
            Settings = new()
            {
                ["Quotas:Default:RequestsPerSecond"] = "0", ["Quotas:Tenants:a:QueuedJobs"] = "0", ["Quotas:Tenants:a:StoredBytes"] = "-1",
                ["Quotas:Tenants:.b:Burst"] = "1",
            },
        };

        var refusal = Assert.Throws<OptionsValidationException>(() => factory.CreateClient());

        Assert.All(["RequestsPerSecond", "QueuedJobs", "StoredBytes", ".b"], part => Assert.Contains(part, refusal.Message));
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();
}
