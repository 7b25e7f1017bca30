using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.AspNetCore.SignalR.Client;

namespace EbmService.Benchmarks.Service;

/// <summary>Runs sampling jobs as a user does: submits, watches over SignalR, fetches the results.</summary>
internal sealed class SamplingClient : IAsyncDisposable
{
    private readonly ServiceProcess _service;
    private readonly HubConnection _hub;
    private TaskCompletionSource<JsonElement> _ended = new();
    private string _watched = "";
    private int _messages;

    private SamplingClient(ServiceProcess service)
    {
        _service = service;
        _hub = new HubConnectionBuilder().WithUrl(new Uri(service.Address, "/hubs/jobs")).Build();
        _hub.On<JsonElement>("JobChanged", Changed);
        _hub.On<JsonElement>("JobProgress", _ => _messages++);
        _hub.On<string, int, byte[]>("JobPreview", (_, _, _) => _messages++);
    }

    public static async Task<SamplingClient> ConnectAsync(ServiceProcess service)
    {
        var client = new SamplingClient(service);
        await client._hub.StartAsync();
        return client;
    }

    /// <summary>From the request to the last byte of samples.npy, samples.png and trace.json.</summary>
    /// <returns>Seconds.</returns>
    public async Task<double> RunAsync(int chains, int steps, int? blockSize, long seed, string precision = "float32")
    {
        _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _messages = 0;
        long begun = Stopwatch.GetTimestamp();
        _watched = await SubmitAsync(chains, steps, blockSize, seed, precision);
        await _hub.InvokeAsync("Watch", _watched);
        JsonElement job = await _ended.Task;
        foreach (string name in (string[])["samples.npy", "samples.png", "trace.json"])
            await _service.Client.GetByteArrayAsync($"/v1/jobs/{_watched}/results/{name}");
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        if (job.GetProperty("status").GetString() != "succeeded" || _messages == 0)
            throw new InvalidOperationException($"The job did not succeed under watch: {job}");
        return seconds;
    }

    public async Task<string> SubmitAsync(int chains, int steps, int? blockSize, long seed, string precision = "float32")
    {
        var spec = new JsonObject { ["chains"] = chains, ["steps"] = steps, ["seed"] = seed, ["previewEvery"] = 50, ["precision"] = precision };
        if (blockSize is { } size)
            spec["blockSize"] = size;
        var body = new JsonObject { ["type"] = "sampling", ["model"] = BenchmarkOptions.Model, ["spec"] = spec };
        using HttpResponseMessage answer = await _service.Client.PostAsJsonAsync("/v1/jobs", body);
        answer.EnsureSuccessStatusCode();
        return (string)(await answer.Content.ReadFromJsonAsync<JsonObject>())!["id"]!;
    }

    /// <summary>Waits until the job's chains move.</summary>
    public async Task WaitUntilRunningAsync(string id)
    {
        while ((int)(await JobAsync(id))["progress"]!["step"]! == 0)
            await Task.Delay(50);
    }

    public async Task CancelAsync(string id)
    {
        using HttpResponseMessage answer = await _service.Client.PostAsync($"/v1/jobs/{id}/cancel", null);
        answer.EnsureSuccessStatusCode();
        while (!IsTerminal((string?)(await JobAsync(id))["status"]))
            await Task.Delay(20);
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    private async Task<JsonObject> JobAsync(string id) => (await _service.Client.GetFromJsonAsync<JsonObject>($"/v1/jobs/{id}"))!;

    private static bool IsTerminal(string? status) => status is "succeeded" or "failed" or "cancelled";

    private void Changed(JsonElement job)
    {
        if (job.GetProperty("id").GetString() == _watched && IsTerminal(job.GetProperty("status").GetString()))
            _ended.TrySetResult(job.Clone());
    }
}
