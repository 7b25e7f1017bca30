using System.Buffers.Binary;
using System.Net.Http.Headers;

namespace EbmService.Api.Tests.Inputs;

internal static class PngFiles
{
    /// <summary>A black picture of that size.</summary>
    internal static byte[] Gray(int width, int height)
    {
        byte[] idat = Compression.Compress(new byte[(width + 1) * height], "deflate");
        return [.. Signature, .. Chunk("IHDR", Header(width, height)), .. Chunk("IDAT", idat), .. Chunk("IEND", [])];
    }

    /// <summary>A picture of nothing but transparent pixels.</summary>
    internal static byte[] Transparent(int width, int height)
    {
        const int Rgba = 6;
        byte[] header = Header(width, height);
        header[9] = Rgba;
        return [.. Signature, .. Chunk("IHDR", header),
            .. Chunk("IDAT", Compression.Compress(new byte[(4 * width + 1) * height], "deflate")), .. Chunk("IEND", [])];
    }

    /// <summary>A header that announces a size, and nothing that would fill it.</summary>
    internal static byte[] Announcing(int width, int height) =>
        [.. Signature, .. Chunk("IHDR", Header(width, height)), .. Chunk("IEND", [])];

    internal static MultipartFormDataContent Form(params byte[][] files)
    {
        var form = new MultipartFormDataContent();
        foreach (byte[] file in files)
        {
            var part = new ByteArrayContent(file);
            part.Headers.ContentType = new MediaTypeHeaderValue("image/png");
            form.Add(part, "files", "picture.png");
        }
        return form;
    }

    private static byte[] Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static byte[] Header(int width, int height)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        return header;
    }

    private static byte[] Chunk(string type, byte[] data)
    {
        var chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
