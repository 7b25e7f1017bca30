using System.Collections.Concurrent;
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
    private static readonly string[] Results = ["samples.npy", "trace.json"];

    private readonly ServiceProcess _service;
    private readonly HubConnection _hub;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement>> _ends = new();

    private SamplingClient(ServiceProcess service)
    {
        _service = service;
        _hub = new HubConnectionBuilder().WithUrl(new Uri(service.Address, "/hubs/jobs")).Build();
        _hub.On<JsonElement>("JobChanged", Changed);
        _hub.On<JsonElement>("JobProgress", _ => { });
        _hub.On<string, int, byte[]>("JobPreview", (_, _, _) => { });
    }

    public static async Task<SamplingClient> ConnectAsync(ServiceProcess service)
    {
        var client = new SamplingClient(service);
        await client._hub.StartAsync();
        return client;
    }

    /// <summary>From the request to the last byte of samples.npy and trace.json, and samples.png where there are pictures.</summary>
    /// <returns>Seconds.</returns>
    public async Task<double> RunAsync(SamplingRequest request)
    {
        long begun = Stopwatch.GetTimestamp();
        string id = await SubmitAsync(request);
        await EndAsync(id);
        foreach (string name in request.PreviewEvery > 0 ? [.. Results, "samples.png"] : Results)
            await _service.Client.GetByteArrayAsync($"/v1/jobs/{id}/results/{name}");
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    /// <summary>From the first request until the last job succeeded; all are submitted before any is waited for.</summary>
    /// <returns>Seconds.</returns>
    public async Task<double> RunAllAsync(IReadOnlyList<SamplingRequest> requests)
    {
        long begun = Stopwatch.GetTimestamp();
        string[] ids = await Task.WhenAll(requests.Select(SubmitAsync));
        await Task.WhenAll(ids.Select(EndAsync));
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    public async Task<string> SubmitAsync(SamplingRequest request)
    {
        using HttpResponseMessage answer = await _service.Client.PostAsJsonAsync("/v1/jobs", request.ToJson());
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"The service refused the job: {await answer.Content.ReadAsStringAsync()}");
        return (string)(await answer.Content.ReadFromJsonAsync<JsonObject>())!["id"]!;
    }

    /// <summary>Waits until the job's chains move.</summary>
    public async Task WaitUntilRunningAsync(string id)
    {
        while ((long)(await JobAsync(id))["progress"]!["done"]! == 0)
            await Task.Delay(50);
    }

    public async Task CancelAsync(string id)
    {
        using HttpResponseMessage answer = await _service.Client.PostAsync($"/v1/jobs/{id}/cancel", null);
        answer.EnsureSuccessStatusCode();
        await WaitUntilOverAsync(id);
    }

    /// <summary>By asking for it: nobody has to watch.</summary>
    public async Task WaitUntilOverAsync(string id)
    {
        while (!IsTerminal((string?)(await JobAsync(id))["status"]))
            await Task.Delay(50);
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    /// <summary>A watch begins with the current state, so a job that ended before is not missed.</summary>
    private async Task EndAsync(string id)
    {
        TaskCompletionSource<JsonElement> end = _ends.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        await _hub.InvokeAsync("Watch", id);
        JsonElement job = await end.Task;
        _ends.TryRemove(id, out _);
        if (job.GetProperty("status").GetString() != "succeeded")
            throw new InvalidOperationException($"The job did not succeed: {job}");
    }

    private async Task<JsonObject> JobAsync(string id) => (await _service.Client.GetFromJsonAsync<JsonObject>($"/v1/jobs/{id}"))!;

    private static bool IsTerminal(string? status) => status is "succeeded" or "failed" or "cancelled";

    private void Changed(JsonElement job)
    {
        if (IsTerminal(job.GetProperty("status").GetString()) && _ends.TryGetValue(job.GetProperty("id").GetString()!, out TaskCompletionSource<JsonElement>? end))
            end.TrySetResult(job.Clone());
    }
}
