namespace EbmService.Api.Tests.WholeService;

/// <summary>One running service for a test class.</summary>
public sealed class ServiceFixture : IAsyncDisposable
{
    private readonly ServiceFolder _folder = new();

    public ServiceFixture()
    {
        Factory = new ServiceFactory(_folder);
        Client = Factory.CreateClient();
    }

    internal ServiceFactory Factory { get; }

    internal HttpClient Client { get; }

    public async ValueTask DisposeAsync()
    {
        await Factory.DisposeAsync();
        _folder.Dispose();
    }
}
