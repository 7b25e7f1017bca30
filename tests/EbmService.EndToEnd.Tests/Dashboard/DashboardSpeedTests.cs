using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;
using Xunit;

namespace EbmService.EndToEnd.Tests.Dashboard;

/// <summary>
/// Frames per second with 20 running jobs of the real service, 10 000 points in the plot and 500 updates a second: the service's own events and,
/// as it sends at most five a second of a job, made ones put into the same connection. A measurement: docs/dashboard.md has its figures.
/// </summary>
public sealed class DashboardSpeedTests(BrowserFixture fixture, ITestOutputHelper output) : IClassFixture<BrowserFixture>
{
    private const int Jobs = 20;
    private const int UpdatesPerSecond = 500;
    private const int PointsPerJob = 500;
    private const int Batch = 10;
    private const double FewestFrames = 30;
    private const string EndOfMessage = "\u001e";

    /// <summary>Frames of ten seconds, and the longest time between two.</summary>
    private const string CountFrames = """
        () => new Promise(done => { let frames = 0, longest = 0, last = performance.now(); const end = last + 10000;
            const tick = now => { frames++; longest = Math.max(longest, now - last); last = now; now < end ? requestAnimationFrame(tick) : done([frames / 10, longest]); };
            requestAnimationFrame(tick); })
        """;

    [SoakFact]
    public async Task Frames_TwentyJobsAndFiveHundredUpdatesASecond_StayAboveThirty()
    {
        HttpClient client = fixture.Service.Client;
        var ids = new List<string>();
        for (int i = 0; i < Jobs; i++)
            ids.Add(await client.SubmitAsync(new JsonObject { ["chains"] = 4, ["steps"] = 1_000_000, ["kernel"] = "mala", ["seed"] = i }, "two-moons"));
        await using DashboardPage page = await fixture.OpenAsync(fixture.Service.Address);
        IWebSocketRoute? socket = null;
        await page.Page.RouteWebSocketAsync("**/hubs/jobs**", route =>
        {
            socket = route;
            IWebSocketRoute server = route.ConnectToServer();
            route.OnMessage(message => Forward(server, message));
            server.OnMessage(message => Forward(route, message));
        });
        var load = Stopwatch.StartNew();
        await page.GoAsync("");
        await page.SeeAtAsync($"a[href='jobs/{ids[^1]}']");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"load to the list of jobs: {load.Elapsed.TotalSeconds:F1} s"));
        var sent = new Sent(ids);
        using var stop = new CancellationTokenSource();
        for (int tries = 0; socket is null && tries < 200; tries++)
            await Task.Delay(100, HttpSteps.Cancel);
        Assert.NotNull(socket);
        for (int i = 0; i < PointsPerJob * Jobs; i++)
            socket.Send(sent.Next());
        Task feed = FeedAsync(socket, sent, stop.Token);

        double overview = await MeasureAsync(page, "overview", sent);
        await page.MoveAsync($"compare?jobs={string.Join(',', ids)}");
        await page.SeeAtAsync("canvas[aria-label^='Mean energy']");
        double compare = await MeasureAsync(page, "compare, 20 series", sent);

        await stop.CancelAsync();
        await feed;
        foreach (string id in ids)
            await client.MoveAsync(id, "cancel");
        Assert.True(overview > FewestFrames && compare > FewestFrames, $"{overview:F1} and {compare:F1} frames per second");
    }

    private async Task<double> MeasureAsync(DashboardPage page, string what, Sent sent)
    {
        (long before, long began) = (sent.Count, Stopwatch.GetTimestamp());
        double[] frames = await page.Page.EvaluateAsync<double[]>(CountFrames);
        double updates = (sent.Count - before) / Stopwatch.GetElapsedTime(began).TotalSeconds;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{what}: {frames[0]:F1} frames per second, longest {frames[1]:F0} ms, {updates:F0} made updates per second"));
        return frames[0];
    }

    private static async Task FeedAsync(IWebSocketRoute socket, Sent sent, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        for (long count = 0; !cancellationToken.IsCancellationRequested; count += Batch)
        {
            for (int i = 0; i < Batch; i++)
                socket.Send(sent.Next());
            double ahead = count / (double)UpdatesPerSecond - Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (ahead > 0)
                await Task.Delay(TimeSpan.FromSeconds(ahead), CancellationToken.None);
        }
    }

    private static void Forward(IWebSocketRoute to, IWebSocketFrame message)
    {
        if (message.Text is { } text)
            to.Send(text);
        else
            to.Send(message.Binary!);
    }

    /// <summary>Progress of the jobs in turn, as the hub writes it.</summary>
    private sealed class Sent(IReadOnlyList<string> ids)
    {
        private const long Far = 1_000_000_000;

        public long Count { get; private set; }

        public string Next()
        {
            long step = Count / ids.Count;
            var progress = new
            {
                jobId = ids[(int)(Count % ids.Count)],
                // Beyond those of the service, which would go back in time else.
                sequence = 900_000_000 + step,
                fraction = Math.Min(0.99, step / 1e5),
                done = Far + 40 * step,
                total = 40 * Far,
                unit = "chainSteps",
                ratePerSecond = 1000.0,
                etaSeconds = 60.0,
                queuePosition = (int?)null,
                metrics = new { energyMean = Math.Sin(step / 20.0) + Count % ids.Count, gradientNorm = 8 + Math.Cos(step / 15.0), rHat = 1.02, essBulk = 500.0 + step },
            };
            Count++;
            return JsonSerializer.Serialize(new { type = 1, target = "JobProgress", arguments = new[] { progress } }) + EndOfMessage;
        }
    }
}
