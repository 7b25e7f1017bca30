using System.Buffers.Binary;
using System.Text;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Tests.Formats;

/// <summary>Every refusal of 07-security.md, one row each: header, bytes of data, words of the reason.</summary>
public sealed class SafetensorsReaderTests
{
    public static TheoryData<string, int, string> Refused => new()
    {
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
            4, "repeats a key" },
        { """{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "repeats a key" },
        { """{"__metadata__":{"k":"1","k":"2"}}""", 0, "repeats a key" },
        { """{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype 'F8'" },
        { """{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype" },
        { """{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}""", 4, "no dtype" },
        { """{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4, "no dtype" },
        { """{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "no shape" },
        { """{"a":{"dtype":"F32","shape":[1]}}""", 4, "no data_offsets" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}""", 4, "unknown member 'extra'" },
        { """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "overflows" },
        { """{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "overflows" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "asks for 8" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "no begin and end" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 8, "no begin and end" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a hole before" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
            12, "a hole before" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""",
            6, "an overlap" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""",
            4, "an overlap" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "the file at byte 5" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "the file at byte 3" },
        { "{}", 1, "the file at byte 1" },
        { """{"a":7}""", 0, "no object" },
        { """{"__metadata__":7}""", 0, "no object" },
        { """{"__metadata__":{"k":7}}""", 0, "no string" },
        { """{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "no count" },
        { """{"a":{"dtype":"F32","shape":[[[[[1]]]]],"data_offsets":[0,4]}}""", 4, "not valid JSON" },
        { """{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0, "no valid Unicode" },
        { "{", 0, "not valid JSON" },
        { "{} {}", 0, "not valid JSON" },
        { "[]", 0, "begin with '{'" },
        { " {}", 0, "begin with '{'" },
        { "", 0, "begin with '{'" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Read_BadHeader_IsRefusedWithTheReason(string header, int dataLength, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidCheckpointException>(() => SafetensorsFile.Read(Bytes(header, dataLength))).Message);

    [Theory]
    [InlineData(0UL, 7, "shorter than the 8 bytes")]
    [InlineData(16UL * 1024 * 1024 + 1, 20, "over 16 MiB")]
    [InlineData(ulong.MaxValue, 20, "over 16 MiB")]
    [InlineData(13UL, 20, "over the file's")]
    public void Read_BadHeaderLength_IsRefusedWithTheReason(ulong headerLength, int fileLength, string reason)
    {
        var bytes = new byte[Math.Max(8, fileLength)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, headerLength);

        Assert.Contains(reason,
            Assert.Throws<InvalidCheckpointException>(() => SafetensorsFile.Read(bytes.AsMemory(0, fileLength))).Message);
    }

    [Fact]
    public void Read_InvalidUtf8InAName_IsRefused()
    {
        byte[] bytes = Bytes("""{"?":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0);
        bytes[10] = 0xff;

        Assert.Throws<InvalidCheckpointException>(() => SafetensorsFile.Read(bytes));
    }

    [Fact]
    public void Read_EntriesInAnyOrder_AreAccepted()
    {
        byte[] bytes = Bytes(
            """{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}  """, 2);
        bytes[^1] = 9;

        Assert.Equal([9], SafetensorsFile.Read(bytes)["b"].ToBytes());
    }

    [Fact]
    public void Read_MutatedBytes_EitherReadsOrRefuses()
    {
        byte[] good = SafetensorsFile.Write(
            new Dictionary<string, SafetensorsTensor>
            {
                ["w"] = SafetensorsTensor.FromFloats([1, 2, 3, 4], [2, 2]),
                ["b"] = SafetensorsTensor.FromFloats([1, 2], [2], SafetensorsDtype.F16),
            },
            new Dictionary<string, string> { ["k"] = "v" });
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. good];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                SafetensorsFile.Read(bytes.AsMemory(0, random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length));
            }
            catch (InvalidCheckpointException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10_000, 19_999);
    }

    private static byte[] Bytes(string header, int dataLength)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + dataLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)text.Length);
        text.CopyTo(bytes, 8);
        return bytes;
    }
}
