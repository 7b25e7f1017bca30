using System.Buffers.Binary;

namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>The checksum of zip files (IEEE 802.3, reflected polynomial 0xEDB88320).</summary>
internal static class Crc32
{
    private const int Lanes = 4;
    private static readonly uint[][] s_tables = Tables();

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        uint[] t0 = s_tables[0], t1 = s_tables[1], t2 = s_tables[2], t3 = s_tables[3];
        for (; bytes.Length >= Lanes; bytes = bytes[Lanes..])
        {
            crc ^= BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            crc = t3[crc & 0xff] ^ t2[(crc >> 8) & 0xff] ^ t1[(crc >> 16) & 0xff] ^ t0[crc >> 24];
        }
        foreach (byte each in bytes)
            crc = t0[(crc ^ each) & 0xff] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[][] Tables()
    {
        var tables = new uint[Lanes][];
        tables[0] = [.. Enumerable.Range(0, 256)
            .Select(i => Enumerable.Range(0, 8).Aggregate((uint)i, (crc, _) => (crc >> 1) ^ ((crc & 1) * 0xedb88320)))];
        for (int lane = 1; lane < Lanes; lane++)
            tables[lane] = [.. tables[lane - 1].Select(crc => tables[0][crc & 0xff] ^ (crc >> 8))];
        return tables;
    }
}
