using EbmService.Api.Hosting;
using EbmService.Api.Security;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Xunit;

namespace EbmService.Api.Tests.Security;

public sealed class NetworkGuardTests
{
    [Theory]
    [InlineData("http://localhost:5080", true)]
    [InlineData("http://127.0.0.1:80", true)]
    [InlineData("http://127.9.9.9:80", true)]
    [InlineData("http://[::1]:80", true)]
    [InlineData("http://unix:/tmp/ebm.sock", true)]
    [InlineData("http://0.0.0.0:80", false)]
    [InlineData("http://[::]:80", false)]
    [InlineData("http://*:80", false)]
    [InlineData("http://+:80", false)]
    [InlineData("http://10.0.0.1:80", false)]
    [InlineData("http://localhost.example.com:80", false)]
    [InlineData("nonsense", false)]
    public void IsLoopback_Address_IsJudgedByItsHost(string address, bool expected) =>
        Assert.Equal(expected, ListenAddresses.IsLoopback(address));

    [Theory]
    [InlineData("urls", "http://a:1;http://b:2", new[] { "http://a:1", "http://b:2" })]
    [InlineData("http_ports", "8080", new[] { "http://*:8080" })]
    [InlineData("Kestrel:Endpoints:Web:Url", "http://c:3", new[] { "http://c:3" })]
    public void Configured_EverySetting_IsSeen(string key, string value, string[] expected)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();

        Assert.Equal(expected, ListenAddresses.Configured(configuration));
    }

    [Fact]
    public void Start_OpenNetwork_IsRefusedWithTheSetting()
    {
        using var factory = new ApiFactory { Settings = new() { ["urls"] = "http://0.0.0.0:5999" } };

        var refusal = Assert.Throws<StartRefusedException>(() => factory.CreateClient());

        Assert.Contains("Security:AllowUnauthenticatedNetwork", refusal.Message);
    }

    [Fact]
    public void Start_OpenNetworkAllowed_Starts()
    {
        using var factory = new ApiFactory
        {
            Settings = new() { ["urls"] = "http://0.0.0.0:5999", ["Security:AllowUnauthenticatedNetwork"] = "true" },
        };

        Assert.NotNull(factory.CreateClient());
    }

    [Fact]
    public void Start_SeveralBadLimits_ReportsThemTogether()
    {
        using var factory = new ApiFactory { Settings = new() { ["Limits:MaxBatch"] = "0", ["Limits:MaxSteps"] = "-1" } };

        var refusal = Assert.Throws<OptionsValidationException>(() => factory.CreateClient());

        Assert.Contains("MaxBatch", refusal.Message);
        Assert.Contains("MaxSteps", refusal.Message);
    }
}
