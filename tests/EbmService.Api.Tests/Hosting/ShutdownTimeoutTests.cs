using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

public sealed class ShutdownTimeoutTests
{
    [Theory]
    [InlineData("5", 30)]
    [InlineData("60", 65)]
    [InlineData("600", 605)]
    public void StopSeconds_OverTheHostsDefault_MakesTheHostWaitAsLong(string stopSeconds, int expected)
    {
        using var factory = new ApiFactory { Settings = { ["Worker:StopSeconds"] = stopSeconds } };

        Assert.Equal(TimeSpan.FromSeconds(expected), factory.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }
}
