using System.Buffers.Binary;
using Xunit;

namespace EbmService.Build.Tests;

/// <summary>The edit of one flag in a required symbol version, on images made here.</summary>
public sealed class ElfVersionWeakenerTests
{
    private const string Version = "GLIBCXX_3.4.32";

    private static readonly NeededFile[] Needs =
    [
        new("libc.so.6", new NeededVersion("GLIBC_2.14"), new NeededVersion("GLIBC_2.34")),
        new("libstdc++.so.6", new NeededVersion("GLIBCXX_3.4"), new NeededVersion(Version), new NeededVersion("CXXABI_1.3")),
        new("libgcc_s.so.1", new NeededVersion("GCC_3.0")),
    ];

    [Fact]
    public void Weaken_VersionAmongSeveralFilesAndEntries_SetsThatFlagAndNothingElse()
    {
        (byte[] image, ElfImageBuilder layout) = ElfImageBuilder.Build(Needs);
        byte[] expected = [.. image];
        int flag = Assert.Single(layout.FlagOffsets[Version]);
        expected[flag] = 2;

        IReadOnlyList<int> changed = ElfVersionWeakener.Weaken(image, Version);

        Assert.Equal([flag], changed);
        Assert.Equal(expected, image);
    }

    [Fact]
    public void Weaken_VersionNeededFromTwoFiles_SetsBoth()
    {
        (byte[] image, ElfImageBuilder layout) = ElfImageBuilder.Build(
            new NeededFile("liba.so", new NeededVersion(Version)),
            new NeededFile("libb.so", new NeededVersion("V1"), new NeededVersion(Version)));

        Assert.Equal(layout.FlagOffsets[Version], ElfVersionWeakener.Weaken(image, Version));
        Assert.All(layout.FlagOffsets[Version], flag => Assert.Equal(2, image[flag]));
    }

    [Fact]
    public void Weaken_Twice_ChangesNothingTheSecondTime()
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        ElfVersionWeakener.Weaken(image, Version);
        byte[] once = [.. image];

        Assert.Empty(ElfVersionWeakener.Weaken(image, Version));
        Assert.Equal(once, image);
    }

    [Fact]
    public void Weaken_OtherFlagsSet_KeepsThem()
    {
        (byte[] image, ElfImageBuilder layout) = ElfImageBuilder.Build(
            new NeededFile("liba.so", new NeededVersion(Version, Flags: 0x0105)));

        ElfVersionWeakener.Weaken(image, Version);

        Assert.Equal(0x0107, BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(layout.FlagOffsets[Version][0])));
    }

    [Theory]
    [InlineData("GLIBCXX_3.4.3")]
    [InlineData("GLIBCXX_3.4.321")]
    [InlineData("XX_3.4.32")]
    [InlineData("glibcxx_3.4.32")]
    public void Weaken_NameThatOnlyResembles_ChangesNothing(string version)
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        byte[] before = [.. image];

        Assert.Empty(ElfVersionWeakener.Weaken(image, version));
        Assert.Equal(before, image);
    }

    [Fact]
    public void Weaken_NoVersionSection_ChangesNothing()
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(ElfImageBuilder.NeedsHeader + 4), 1);

        Assert.Empty(ElfVersionWeakener.Weaken(image, Version));
    }

    [Fact]
    public void Weaken_NotElf_Refuses()
    {
        Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken([], Version));
        Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken("MZ"u8.ToArray(), Version));
        Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken(new byte[4096], Version));
    }

    [Theory]
    [InlineData(4, 1)] // 32-bit
    [InlineData(5, 2)] // big-endian
    public void Weaken_OtherKindOfElf_Refuses(int offset, byte value)
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        image[offset] = value;

        Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken(image, Version));
    }

    [Fact]
    public void Weaken_CutAtAnyByte_RefusesOrLeavesValidResult()
    {
        (byte[] image, _) = ElfImageBuilder.Build(Needs);
        for (int length = 0; length < image.Length; length++)
        {
            byte[] cut = image[..length];
            // Every byte of the file is needed: the last ones are the last entry's vna_next.
            Assert.Throws<InvalidDataException>(() => ElfVersionWeakener.Weaken(cut, Version));
        }
    }
}
