using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EbmService.EndToEnd.Tests.Telemetry;

/// <summary>A span as it came over OTLP.</summary>
internal sealed record CollectedSpan(
    string Service, string Scope, string TraceId, string SpanId, string ParentId, string Name, double Milliseconds,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<(string TraceId, string SpanId)> Links);

/// <summary>What an OpenTelemetry collector is to the service: it takes OTLP over HTTP as protobuf, and reads the spans of it.</summary>
internal sealed class Collector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<CollectedSpan> _spans = new();
    private readonly ConcurrentDictionary<string, int> _bytes = new();

    public Collector()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add(Address + "/");
        _listener.Start();
        _ = TakeAsync();
    }

    public string Address { get; }

    /// <value>Headers of the latest request.</value>
    public string? Authorization { get; private set; }

    public IReadOnlyList<CollectedSpan> All => [.. _spans];

    public IReadOnlyList<CollectedSpan> Of(string traceId) => [.. _spans.Where(span => span.TraceId == traceId)];

    /// <summary>Bytes that came to a path, for example /v1/metrics.</summary>
    public int BytesTo(string path) => _bytes.GetValueOrDefault(path);

    public void Dispose() => _listener.Close();

    private async Task TakeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                string path = context.Request.Url!.AbsolutePath;
                Authorization = context.Request.Headers["x-collector-key"];
                if (path == "/v1/traces")
                    Read(body.ToArray());
                _bytes.AddOrUpdate(path, (int)body.Length, (_, before) => before + (int)body.Length);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    /// <summary>opentelemetry/proto/trace/v1/trace.proto.</summary>
    private void Read(byte[] request)
    {
        foreach (ProtobufMessage resourceSpans in ProtobufMessage.Parse(request).Messages(1))
        {
            string service = Attributes(resourceSpans.Messages(1).Single(), 1).GetValueOrDefault("service.name", "");
            foreach (ProtobufMessage scopeSpans in resourceSpans.Messages(2))
            {
                string scope = scopeSpans.Messages(1).Single().Text(1);
                foreach (ProtobufMessage span in scopeSpans.Messages(2))
                    _spans.Enqueue(new CollectedSpan(service, scope, span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5),
                        (span.Number(8) - span.Number(7)) / 1e6, Attributes(span, 9),
                        [.. span.Messages(13).Select(link => (link.Hex(1), link.Hex(2)))]));
            }
        }
    }

    private static Dictionary<string, string> Attributes(ProtobufMessage message, int field) =>
        message.Messages(field).ToDictionary(one => one.Text(1), one => Value(one.Messages(2).Single()));

    private static string Value(ProtobufMessage value) => value.Has(1) ? value.Text(1) : value.Has(3) ? $"{value.Number(3)}" : value.Has(2) ? $"{value.Number(2) == 1}" : "";
}

/// <summary>Fields of a protobuf message by their numbers, without its schema.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<(int Field, ulong Number, byte[]? Bytes)> _fields = [];

    public static ProtobufMessage Parse(ReadOnlySpan<byte> bytes)
    {
        var message = new ProtobufMessage();
        while (!bytes.IsEmpty)
        {
            ulong tag = Varint(ref bytes);
            int length = 0;
            ulong number = 0;
            switch (tag & 7)
            {
                case 0:
                    number = Varint(ref bytes);
                    break;
                case 1:
                    number = BitConverter.ToUInt64(bytes);
                    length = 8;
                    break;
                case 2:
                    length = (int)Varint(ref bytes);
                    break;
                case 5:
                    number = BitConverter.ToUInt32(bytes);
                    length = 4;
                    break;
                default:
                    throw new InvalidDataException($"no wire type {tag & 7} is known");
            }
            message._fields.Add(((int)(tag >> 3), number, (tag & 7) == 2 ? bytes[..length].ToArray() : null));
            bytes = bytes[length..];
        }
        return message;
    }

    public bool Has(int field) => _fields.Exists(one => one.Field == field);

    public IEnumerable<ProtobufMessage> Messages(int field) => _fields.Where(one => one.Field == field).Select(one => Parse(one.Bytes));

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field));

    public double Number(int field) => _fields.Find(one => one.Field == field).Number;

    private byte[] Bytes(int field) => _fields.Find(one => one.Field == field).Bytes ?? [];

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
