using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Service;

/// <summary>Energy requests of one input each, prepared once.</summary>
internal sealed class EnergyClient(ServiceProcess service, bool binary)
{
    private readonly byte[] _body = binary ? NpyFormat.Write(Input()) : System.Text.Encoding.UTF8.GetBytes(Nested().ToJsonString());
    private readonly MediaTypeHeaderValue _type = new(binary ? NpyFormat.MediaType : "application/json");

    /// <returns>Milliseconds.</returns>
    public async Task<double> AskAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/models/{BenchmarkModels.Bundled}/energy") { Content = new ByteArrayContent(_body) };
        request.Content.Headers.ContentType = _type;
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(_type.MediaType!));
        using HttpResponseMessage answer = await service.Client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        await answer.Content.ReadAsByteArrayAsync();
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    /// <summary>So many connections, each with one request in flight, for that long.</summary>
    public async Task<EnergyLoad> LoadAsync(int connections, TimeSpan length)
    {
        long begun = Stopwatch.GetTimestamp();
        TimeSpan serviceTime = service.ProcessorTime, clientTime = Environment.CpuUsage.TotalTime;
        double[][] latencies = await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
        {
            List<double> own = [];
            while (Stopwatch.GetElapsedTime(begun) < length)
                own.Add(await AskAsync());
            return own.ToArray();
        }));
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        double[] all = [.. latencies.SelectMany(own => own)];
        return new EnergyLoad(
            all.Length / seconds, Spread.Quantile(all, 0.5), Spread.Quantile(all, 0.99),
            (service.ProcessorTime - serviceTime).TotalSeconds / seconds, (Environment.CpuUsage.TotalTime - clientTime).TotalSeconds / seconds);
    }

    private static TensorPayload Input()
    {
        var random = new Random(1);
        var values = new float[28 * 28];
        for (int i = 0; i < values.Length; i++)
            values[i] = MathF.Round(random.NextSingle() * 2 - 1, 4);
        return new TensorPayload([1, 1, 28, 28], values);
    }

    private static JsonObject Nested() => new()
    {
        ["inputs"] = new JsonArray(new JsonArray(new JsonArray(
            [.. Input().Values.Chunk(28).Select(line => new JsonArray([.. line.Select(value => (JsonNode)value)]))]))),
    };
}

/// <summary>What a load of energy requests gave.</summary>
/// <param name="PerSecond">Requests answered per second.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="ServiceCores">Cores' worth of time that the service used.</param>
/// <param name="ClientCores">Cores' worth of time that the load generator used, on the same machine.</param>
internal sealed record EnergyLoad(double PerSecond, double P50, double P99, double ServiceCores, double ClientCores);
