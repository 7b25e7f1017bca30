using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

/// <summary>The service behind a proxy that serves it under a prefix.</summary>
public sealed class PathPrefixTests
{
    /// <summary>A proxy that takes the prefix off and says so, and one that leaves it on.</summary>
    [Theory]
    [InlineData("", "/ebm", "")]
    [InlineData("/ebm", "", "/ebm")]
    public async Task Prefix_StandsBeforeEveryAddressOfAnAnswer(string pathBase, string header, string before)
    {
        using var factory = new ApiFactory { Settings = new() { ["PathBase"] = pathBase } };
        HttpClient client = factory.CreateClient(new() { AllowAutoRedirect = false });
        if (header.Length > 0)
            client.DefaultRequestHeaders.Add("X-Forwarded-Prefix", header);

        HttpResponseMessage created = await client.PostJsonAsync(before + "/v1/jobs", """{"model": "digits"}""");
        JsonObject job = await created.JsonAsync(HttpStatusCode.Accepted);
        HttpResponseMessage root = await client.GetAsync(before + "/", HttpTestExtensions.Cancel);
        JsonObject document = await (await client.GetAsync(before + "/swagger/v1/swagger.json", HttpTestExtensions.Cancel)).JsonAsync();
        string page = await client.GetStringAsync(before + "/swagger/index.js", HttpTestExtensions.Cancel);
        JsonObject problem = await (await client.GetAsync(before + "/v1/jobs/none", HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");

        Assert.Equal($"/ebm/v1/jobs/{job["id"]}", created.Headers.Location?.ToString());
        Assert.Equal("/ebm/swagger", root.Headers.Location?.ToString());
        Assert.Equal("/ebm", (string?)document["servers"]![0]!["url"]);
        Assert.DoesNotContain("\"/swagger", page, StringComparison.Ordinal);
        Assert.Equal("/ebm/v1/jobs/none", (string?)problem["instance"]);
        Assert.StartsWith("/ebm/v1/jobs/", (string?)job["links"]!["self"]);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("/a/../b")]
    [InlineData("/a b")]
    [InlineData("/<script>")]
    [InlineData("/")]
    public async Task Prefix_ThatIsNoPath_IsIgnored(string header)
    {
        using var factory = new ApiFactory();
        HttpClient client = factory.CreateClient(new() { AllowAutoRedirect = false });
        client.DefaultRequestHeaders.TryAddWithoutValidation("X-Forwarded-Prefix", header);

        Assert.Equal("/swagger", (await client.GetAsync("/", HttpTestExtensions.Cancel)).Headers.Location?.ToString());
    }
}
