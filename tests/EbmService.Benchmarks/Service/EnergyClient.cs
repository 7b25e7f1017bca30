using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.Benchmarks.Plain;
using EbmService.Core.Tensors;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Service;

/// <summary>Energy requests over pictures of 28 by 28, prepared once.</summary>
internal sealed class EnergyClient
{
    private readonly HttpClient _http;
    private readonly Func<TimeSpan> _processorTime;
    private readonly string _path;
    private readonly byte[] _body;
    private readonly MediaTypeHeaderValue _type;

    /// <param name="rows">Inputs of each request.</param>
    public EnergyClient(ServiceProcess service, bool binary, int rows = 1, string model = BenchmarkModels.Bundled)
        : this(service.Client, () => service.ProcessorTime, $"/v1/models/{model}/energy", binary, rows)
    {
    }

    /// <summary>The same requests of one input, to an endpoint that does nothing with them.</summary>
    public EnergyClient(NothingServer nothing)
        : this(nothing.Client, () => nothing.ProcessorTime, "/", binary: true, rows: 1)
    {
    }

    private EnergyClient(HttpClient http, Func<TimeSpan> processorTime, string path, bool binary, int rows)
    {
        (_http, _processorTime, _path) = (http, processorTime, path);
        _body = binary ? NpyFormat.Write(Input(rows)) : System.Text.Encoding.UTF8.GetBytes(Nested(rows).ToJsonString());
        _type = new(binary ? NpyFormat.MediaType : "application/json");
    }

    /// <returns>Seconds for so many requests of all clients, each client's after the answer to its one before.</returns>
    public async Task<double> RepeatAsync(int count, int clients = 1)
    {
        long begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            for (int i = client; i < count; i += clients)
                await AskAsync();
        }));
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    /// <returns>Milliseconds.</returns>
    public async Task<double> AskAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, _path) { Content = new ByteArrayContent(_body) };
        request.Content.Headers.ContentType = _type;
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(_type.MediaType!));
        using HttpResponseMessage answer = await _http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        await answer.Content.ReadAsByteArrayAsync();
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    /// <summary>So many connections, each with one request in flight, for that long.</summary>
    public async Task<EnergyLoad> LoadAsync(int connections, TimeSpan length)
    {
        long begun = Stopwatch.GetTimestamp();
        TimeSpan serviceTime = _processorTime(), clientTime = Environment.CpuUsage.TotalTime;
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
            (_processorTime() - serviceTime).TotalSeconds / seconds, (Environment.CpuUsage.TotalTime - clientTime).TotalSeconds / seconds);
    }

    private static TensorPayload Input(int rows)
    {
        var random = new Random(1);
        var values = new float[rows * 28 * 28];
        for (int i = 0; i < values.Length; i++)
            values[i] = MathF.Round(random.NextSingle() * 2 - 1, 4);
        return new TensorPayload([rows, 1, 28, 28], values);
    }

    private static JsonObject Nested(int rows) => new()
    {
        ["inputs"] = new JsonArray([.. Input(rows).Values.Chunk(28 * 28).Select(picture => new JsonArray(new JsonArray(
            [.. picture.Chunk(28).Select(line => new JsonArray([.. line.Select(value => (JsonNode)value)]))])))]),
    };
}

/// <summary>What a load of energy requests gave.</summary>
/// <param name="PerSecond">Requests answered per second.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="ServiceCores">Cores' worth of time that the service used.</param>
/// <param name="ClientCores">Cores' worth of time that the load generator used, on the same machine.</param>
internal sealed record EnergyLoad(double PerSecond, double P50, double P99, double ServiceCores, double ClientCores)
{
    /// <value>Processor time of the service for one request: what other work on the machine disturbs least.</value>
    public double ServiceMicroseconds => 1e6 * ServiceCores / PerSecond;
}
