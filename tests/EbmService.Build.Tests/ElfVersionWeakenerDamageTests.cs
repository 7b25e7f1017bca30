using System.Buffers.Binary;
using Xunit;

namespace EbmService.Build.Tests;

/// <summary>Files that contradict themselves: refused, and never read for ever.</summary>
public sealed class ElfVersionWeakenerDamageTests
{
    private const string Version = "GLIBCXX_3.4.32";

    private static readonly NeededFile[] Needs =
    [
        new("libc.so.6", new NeededVersion("GLIBC_2.14"), new NeededVersion("GLIBC_2.34")),
        new("libstdc++.so.6", new NeededVersion(Version)),
    ];

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(15u)]
    [InlineData(0xffffffffu)]
    public void Weaken_NextFileStepIsWrong_Refuses(uint step) =>
        AssertRefused((image, layout) => WriteUInt32(image, layout.NeedOffsets[0] + 12, step));

    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    [InlineData(0x7fffffffu)]
    public void Weaken_NextVersionStepIsWrong_Refuses(uint step) =>
        AssertRefused((image, layout) => WriteUInt32(image, layout.FlagOffsets["GLIBC_2.14"][0] - 4 + 12, step));

    [Fact]
    public void Weaken_CountsFarTooHigh_RefusesAtOnce()
    {
        AssertRefused((image, _) => WriteUInt32(image, ElfImageBuilder.NeedsHeader + 44, uint.MaxValue));
        AssertRefused((image, layout) => BinaryPrimitives.WriteUInt16LittleEndian(
            image.AsSpan(layout.NeedOffsets[1] + 2), ushort.MaxValue));
        AssertRefused((image, _) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3c), ushort.MaxValue));
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(0x7fffffffL)]
    public void Weaken_OffsetOutsideTheFile_Refuses(long offset)
    {
        AssertRefused((image, _) => WriteInt64(image, 0x28, offset));
        AssertRefused((image, _) => WriteInt64(image, ElfImageBuilder.NeedsHeader + 24, offset));
        AssertRefused((image, _) => WriteInt64(image, ElfImageBuilder.SectionHeaders + 64 + 24, offset));
    }

    [Fact]
    public void Weaken_StringTableThatIsNoSection_Refuses() =>
        AssertRefused((image, _) => WriteUInt32(image, ElfImageBuilder.NeedsHeader + 40, 3));

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public void Weaken_SectionHeadersTooSmall_Refuses(ushort size) =>
        AssertRefused((image, _) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3a), size));

    [Fact]
    public void Weaken_AnyOneByteDamaged_EndsWithAnAnswerOrARefusal()
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        for (int i = 0; i < image.Length; i++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0xff])
            {
                byte[] damaged = [.. image];
                damaged[i] = value;
                Exception? thrown = Record.Exception(() => ElfVersionWeakener.Weaken(damaged, Version));
                Assert.True(thrown is null or InvalidDataException, $"byte {i} = {value}: {thrown}");
            }
        }
    }

    private static void AssertRefused(Action<byte[], ElfImageBuilder> damage)
    {
        (byte[] image, ElfImageBuilder layout) = ElfImageBuilder.Build(Needs);
        damage(image, layout);
        Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken(image, Version));
    }

    private static void WriteUInt32(byte[] image, int at, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);

    private static void WriteInt64(byte[] image, int at, long value) =>
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(at), value);
}
