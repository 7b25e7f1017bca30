using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;
using Xunit;

namespace EbmService.EndToEnd.Tests.Dashboard;

/// <summary>One browser and one service with a few jobs done, shared by the tests that only look.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private ServiceProcess? _service;

    public ServiceProcess Service => _service ?? throw new InvalidOperationException("The service was not started.");

    public async ValueTask InitializeAsync()
    {
        if (!EndToEndFactAttribute.IsEnabled || DashboardFactAttribute.Chromium is not { } chromium)
            return;
        _playwright = await Playwright.CreateAsync();
        // Root has no sandbox, and CI's containers run as root.
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = chromium, Args = ["--no-sandbox"] });
        _service = await ServiceHost.StartAsync(_data);
    }

    /// <summary>A page of its own, without anything stored by others; console errors are kept.</summary>
    public async Task<DashboardPage> OpenAsync(Uri service, int width = 1280, bool isDark = false)
    {
        IBrowserContext context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 900 },
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
        });
        return new DashboardPage(await context.NewPageAsync(), service);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_service is not null)
            await _service.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}

/// <summary>A page of the dashboard in a browser.</summary>
public sealed class DashboardPage : IAsyncDisposable
{
    private const float Patience = 60_000;
    private readonly Uri _service;
    private readonly List<string> _errors = [];

    public DashboardPage(IPage page, Uri service)
    {
        Page = page;
        _service = service;
        page.SetDefaultTimeout(Patience);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                _errors.Add(message.Text);
        };
        page.PageError += (_, error) => _errors.Add(error);
        // What comes from elsewhere than the service would fail where there is no other network.
        page.Request += (_, request) =>
        {
            if (request.Url.StartsWith("http", StringComparison.Ordinal) && new Uri(request.Url).Authority != service.Authority)
                _errors.Add($"asked {request.Url}");
        };
    }

    public IPage Page { get; }

    /// <value>What the browser complained of, pages that failed included.</value>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Goes to a page and waits for its heading.</summary>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(new Uri(_service, "dashboard/" + path).AbsoluteUri);
        await Page.Locator("main h1").First.WaitForAsync();
    }

    /// <summary>Goes from one page to another, as a link does.</summary>
    public Task MoveAsync(string path) => Page.EvaluateAsync("path => Blazor.navigateTo(path)", path);

    public Task SeeAsync(string text) => Page.GetByText(text).First.WaitForAsync();

    public Task SeeAtAsync(string selector) => Page.Locator(selector).First.WaitForAsync();

    public Task<bool> IsWiderThanTheWindowAsync() =>
        Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1");

    /// <summary>Whether something is drawn on a canvas: not all of its pixels are the same.</summary>
    public async Task<bool> IsDrawnAsync(string selector)
    {
        const string Differs = """
            canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                for (let i = 4; i < d.length; i++) if (d[i] !== d[i % 4]) return true; return false; }
            """;
        for (int tries = 0; tries < 50; tries++)
        {
            if (await Page.Locator(selector).First.EvaluateAsync<bool>(Differs))
                return true;
            await Task.Delay(100);
        }
        return false;
    }

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}
