using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Api.Tests.WholeService;

/// <summary>The service as it runs, nothing replaced: worker, SQLite, libtorch; only the network is the test server's.</summary>
internal sealed class ServiceFactory(ServiceFolder folder, params (string Key, string Value)[] settings) : WebApplicationFactory<Program>
{
    /// <value>Adds to the service's own.</value>
    internal Action<IServiceCollection>? AddServices { get; init; }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Models:Path", folder.Models);
        builder.UseSetting("Storage:DataPath", folder.Data);
        builder.UseSetting("Device:Kind", "cpu");
        foreach ((string key, string value) in settings)
            builder.UseSetting(key, value);
        if (AddServices is { } add)
            builder.ConfigureTestServices(add);
    }
}
