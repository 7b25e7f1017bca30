using Xunit;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>One service with its defaults, shared by all classes of the collection.</summary>
public sealed class ServiceFixture : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;
    private ServiceProcess? _service;

    public ServiceProcess Service => _service ?? throw new InvalidOperationException("The service was not started.");

    public HttpClient Client => Service.Client;

    public async ValueTask InitializeAsync()
    {
        if (EndToEndFactAttribute.IsEnabled)
            _service = await ServiceHost.StartAsync(_data);
    }

    public async ValueTask DisposeAsync()
    {
        if (_service is not null)
            await _service.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}

[CollectionDefinition(Name)]
public sealed class ServiceCollection : ICollectionFixture<ServiceFixture>
{
    public const string Name = "service";
}
