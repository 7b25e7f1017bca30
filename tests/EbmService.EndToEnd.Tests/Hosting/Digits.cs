using System.IO.Compression;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>Inputs for the model: the digits of tests/fixtures/mnist-digits as files, and arrays in every format.</summary>
internal static class Digits
{
    public static IReadOnlyList<(string Path, int Label)> Files { get; } =
    [
        .. Directory.GetFiles(Path.Combine(ServiceHost.Fixtures, "mnist-digits"), "*.png").Order(StringComparer.Ordinal)
            .Select(path => (path, Path.GetFileName(path)[0] - '0')),
    ];

    /// <summary>The bytes of a picture: the fixtures are 8-bit greyscale, one IDAT chunk, no filter.</summary>
    public static byte[] Pixels(string path)
    {
        byte[] png = File.ReadAllBytes(path);
        int data = png.AsSpan().IndexOf("IDAT"u8) + 4;
        using var inflated = new ZLibStream(new MemoryStream(png, data, png.Length - data), CompressionMode.Decompress);
        var lines = new byte[28 * 29];
        inflated.ReadExactly(lines);
        return [.. lines.Chunk(29).SelectMany(line => line.Skip(1))];
    }

    /// <summary>Pictures in the model's range, (n, 1, 28, 28).</summary>
    public static TensorPayload Tensor(IReadOnlyCollection<string> paths) =>
        new([paths.Count, 1, 28, 28], [.. paths.SelectMany(Pixels).Select(pixel => pixel / 255f * 2 - 1)]);

    public static MultipartFormDataContent Form(IEnumerable<string> paths)
    {
        var form = new MultipartFormDataContent();
        foreach (string path in paths)
        {
            var file = new ByteArrayContent(File.ReadAllBytes(path));
            file.Headers.ContentType = new MediaTypeHeaderValue("image/png");
            form.Add(file, "files", Path.GetFileName(path));
        }
        return form;
    }

    public static ByteArrayContent Npy(TensorPayload inputs)
    {
        var content = new ByteArrayContent(NpyFormat.Write(inputs));
        content.Headers.ContentType = new MediaTypeHeaderValue(NpyFormat.MediaType);
        return content;
    }

    public static JsonObject Nested(TensorPayload inputs)
    {
        var rows = new JsonArray();
        for (int i = 0; i < inputs.Rows; i++)
        {
            float[] row = inputs.Row(i).ToArray();
            rows.Add(new JsonArray(new JsonArray([.. row.Chunk(28).Select(line => new JsonArray([.. line.Select(value => (JsonNode)value)]))])));
        }
        return new JsonObject { ["inputs"] = rows };
    }

    public static JsonObject Base64(TensorPayload inputs) => Base64("float32", inputs.Rows, MemoryMarshal.AsBytes(inputs.Values.AsSpan()));

    public static JsonObject Base64(string dtype, int count, ReadOnlySpan<byte> bytes) => new()
    {
        ["tensor"] = new JsonObject
        {
            ["dtype"] = dtype,
            ["shape"] = new JsonArray(count, 1, 28, 28),
            ["base64"] = Convert.ToBase64String(bytes),
        },
    };

    /// <summary>Uniform noise over the model's range.</summary>
    public static TensorPayload Noise(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count * 28 * 28];
        for (int i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() * 2 - 1;
        return new TensorPayload([count, 1, 28, 28], values);
    }
}
