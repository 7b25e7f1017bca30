using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;
using Xunit;

namespace EbmService.EndToEnd.Tests.Dashboard;

/// <summary>The dashboard in Chromium against the real service.</summary>
public sealed partial class DashboardTests(BrowserFixture fixture) : IClassFixture<BrowserFixture>, IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [DashboardFact]
    public async Task Pages_AllOfThem_ShowRealDataAndNoErrors()
    {
        HttpClient client = fixture.Service.Client;
        string chains = await client.SubmitAsync(
            new JsonObject { ["chains"] = 16, ["steps"] = 400, ["kernel"] = "mala", ["thin"] = 20, ["seed"] = 1 }, "two-moons");
        string digits = await client.SubmitAsync(new JsonObject { ["chains"] = 4, ["steps"] = 20, ["seed"] = 1 });
        string scores = (string)(await client.PostTextAsync(
            "/v1/jobs", """{"type": "scoring", "model": "two-moons", "spec": {"data": [[0, 0.5], [3, 3]]}}""", HttpStatusCode.Accepted))["id"]!;
        foreach (string id in new[] { chains, digits, scores })
            await client.WaitForEndAsync(id);
        (string Path, string Seen)[] pages =
        [
            ("", "a[href='models/mnist-jem']"),
            ("jobs", $"a[href='jobs/{chains}']"),
            ($"jobs/{chains}", "canvas[aria-label^='Rank plot']"),
            ($"jobs/{digits}", "img[alt='samples.png']"),
            ($"jobs/{scores}", "text=energy.npy"),
            ("start", "input[data-path='spec.chains']"),
            ("models", "article a[href='models/two-moons']"),
            ("models/mnist-jem", "text=AUROC"),
            ("models/ising-lattice", "canvas.sketch"),
            ($"compare?jobs={chains},{digits}", "text=Effective samples per second"),
            ("settings", "text=API key"),
        ];

        await using DashboardPage wide = await fixture.OpenAsync(fixture.Service.Address);
        await using DashboardPage narrow = await fixture.OpenAsync(fixture.Service.Address, width: 390, isDark: true);
        await Task.WhenAll(wide.GoAsync("settings"), narrow.GoAsync("settings"));
        foreach ((string path, string seen) in pages)
        {
            foreach (DashboardPage page in new[] { wide, narrow })
            {
                await page.MoveAsync(path);
                await page.SeeAtAsync(seen);
                Assert.False(await page.IsWiderThanTheWindowAsync(), $"'{path}' is wider than its window");
            }
        }

        Assert.Equal("", string.Join('\n', wide.Errors));
        Assert.Equal("", string.Join('\n', narrow.Errors));
        await wide.MoveAsync($"jobs/{chains}");
        await wide.SeeAtAsync("canvas[aria-label^='Rank plot']");
        Assert.True(await wide.IsDrawnAsync("canvas[aria-label^='Energy over the steps']"));
        Assert.True(await wide.IsDrawnAsync("canvas[aria-label^='The energy over the plane']"));
    }

    [DashboardFact]
    public async Task StartAJob_FromTheFormToTheResult_ShowsItsPictures()
    {
        await using DashboardPage page = await fixture.OpenAsync(fixture.Service.Address);
        await page.GoAsync("start?model=two-moons");
        ILocator chains = page.Page.Locator("input[data-path='spec.chains']");
        await chains.FillAsync("0");
        await page.SeeAsync("\"chains\": 0");
        await page.Page.Locator("#start").ClickAsync();
        await page.SeeAsync("chains must be at least 1.");
        Assert.Contains("start", page.Page.Url, StringComparison.Ordinal);

        await chains.FillAsync("12");
        await page.Page.Locator("input[data-path='spec.steps']").FillAsync("300");
        await page.Page.Locator("input[data-path='spec.thin']").FillAsync("10");
        await page.SeeAsync("\"thin\": 10");
        await page.Page.Locator("#start").ClickAsync();

        await page.Page.WaitForURLAsync("**/dashboard/jobs/*");
        await page.SeeAtAsync(".badge:has-text('succeeded')");
        await page.SeeAtAsync("img[alt='samples.png']");
        Assert.True(await page.IsDrawnAsync("canvas[aria-label^='The energy over the plane with 12 chains']"));
        JsonObject job = await fixture.Service.Client.GetJobAsync(page.Page.Url.Split('/')[^1]);
        Assert.Equal((12, 300, 10), ((int)job["spec"]!["chains"]!, (int)job["spec"]!["steps"]!, (int)job["spec"]!["thin"]!));
        // The refused request is the one thing that the browser complains of.
        Assert.All(page.Errors, error => Assert.Contains("400", error, StringComparison.Ordinal));
    }

    [DashboardFact]
    public async Task TryIt_ADrawnDigit_IsClassifiedAsItIsDrawn()
    {
        await using DashboardPage page = await fixture.OpenAsync(fixture.Service.Address);
        await page.GoAsync("models/mnist-jem");
        await page.SeeAtAsync("canvas.sketch");
        LocatorBoundingBoxResult box = (await page.Page.Locator("canvas.sketch").BoundingBoxAsync())!;

        await page.Page.Mouse.MoveAsync(box.X + 140, box.Y + 50);
        await page.Page.Mouse.DownAsync();
        await page.Page.Mouse.MoveAsync(box.X + 140, box.Y + 230, new MouseMoveOptions { Steps = 8 });
        await page.Page.Mouse.UpAsync();

        await page.SeeAsync("p-value");
        await page.SeeAtAsync(".probability:nth-child(2) .bar > div[style*='width:9'], .probability:nth-child(2) .bar > div[style*='width:100']");
        Assert.True(await page.IsDrawnAsync("canvas.heat"));
        Assert.Empty(page.Errors);
    }

    [DashboardFact]
    public async Task Keys_NoneThenAWrongThenARightOne_AsksUntilItIsRight()
    {
        using var command = new CommandProcess(_data, "keys", "create", "--data", _data, "--name", "dashboard", "--scopes", "infer,jobs");
        (int exitCode, string told) = await command.EndAsync();
        Assert.True(exitCode == 0, told);
        string key = KeyPattern().Match(told).Value;
        await using ServiceProcess service = await ServiceHost.StartAsync(_data);
        await using DashboardPage page = await fixture.OpenAsync(service.Address);

        await page.GoAsync("");
        await page.SeeAsync("The service asks for a key");
        await EnterAsync(page, key[..^4] + "AAAA");
        await page.SeeAsync("The key was refused");
        await EnterAsync(page, key);

        await page.SeeAtAsync("main a[href='models/mnist-jem']");
        await page.MoveAsync("models/mnist-jem");
        await page.SeeAtAsync("img[alt='Training curve']");
        Assert.Equal(key, await page.Page.EvaluateAsync<string>("sessionStorage.getItem('ebm.key')"));
        Assert.DoesNotContain(key, await page.Page.EvaluateAsync<string>("JSON.stringify(localStorage)"), StringComparison.Ordinal);
        Assert.All(page.Errors, error => Assert.Contains("401", error, StringComparison.Ordinal));
    }

    private static async Task EnterAsync(DashboardPage page, string key)
    {
        await page.Page.Locator("input[type=password]").FillAsync(key);
        await page.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Use this key" }).ClickAsync();
    }

    [DashboardFact]
    public async Task Kill_WhileTheJobIsWatched_GoesOnAfterTheRestart()
    {
        ServiceProcess first = await ServiceHost.StartAsync(_data);
        Uri address = first.Address;
        await using DashboardPage page = await fixture.OpenAsync(address);
        string id;
        await using (first)
        {
            id = await first.Client.SubmitAsync(HttpSteps.Spec(32, 300, 5));
            await page.GoAsync($"jobs/{id}");
            await page.SeeAtAsync(".badge:has-text('running')");
            await first.Client.WaitUntilAsync(id, job => (double)job["progress"]!["fraction"]! > 0.1);
            await first.KillAsync();
            await page.SeeAsync("Reconnecting");
        }

        await using ServiceProcess second = await ServiceHost.LaunchAt(_data, address).ReadyAsync();

        await page.SeeAtAsync("header .badge:has-text('Live')");
        await page.SeeAtAsync("main .badge:has-text('succeeded')");
        await page.SeeAsync("attempt 2");
        await page.SeeAtAsync("img[alt='samples.png']");
    }

    [GeneratedRegex("ebm_[A-Za-z0-9]+_[A-Za-z0-9_-]+")]
    private static partial Regex KeyPattern();
}
