using System.Buffers.Binary;
using System.Text;

namespace EbmService.Build.Tests;

/// <summary>One required version of a needed library, as readelf -V shows it.</summary>
internal sealed record NeededVersion(string Name, ushort Flags = 0);

/// <summary>One needed library with its versions.</summary>
internal sealed record NeededFile(string Name, params NeededVersion[] Versions);

/// <summary>
/// Builds the least ELF64 file that has a .gnu.version_r section:
/// file header, section headers (null, strings, needs), strings, needs.
/// </summary>
internal sealed class ElfImageBuilder
{
    public const int SectionHeaders = 64;
    public const int NeedsHeader = SectionHeaders + 2 * 64;
    private const int StringsAt = SectionHeaders + 3 * 64;

    private readonly List<byte> strings = [0];
    private readonly List<byte> needs = [];

    /// <value>Where the flags of each version stand in the file.</value>
    public Dictionary<string, List<int>> FlagOffsets { get; } = [];

    /// <value>Where the entry of each needed library starts in the file.</value>
    public List<int> NeedOffsets { get; } = [];

    public static (byte[] Image, ElfImageBuilder Layout) Build(params NeededFile[] files)
    {
        var builder = new ElfImageBuilder();
        var names = files.SelectMany(file => file.Versions.Select(version => version.Name).Prepend(file.Name))
            .Distinct().ToDictionary(name => name, builder.AddString);
        int needsAt = StringsAt + builder.strings.Count;
        for (int i = 0; i < files.Length; i++)
            builder.AddFile(files[i], names, needsAt, last: i == files.Length - 1);
        return (builder.Assemble(needsAt, files.Length), builder);
    }

    private uint AddString(string text)
    {
        uint at = (uint)strings.Count;
        strings.AddRange(Encoding.ASCII.GetBytes(text));
        strings.Add(0);
        return at;
    }

    private void AddFile(NeededFile file, Dictionary<string, uint> names, int needsAt, bool last)
    {
        NeedOffsets.Add(needsAt + needs.Count);
        AddUInt16(1);
        AddUInt16((ushort)file.Versions.Length);
        AddUInt32(names[file.Name]);
        AddUInt32(16);
        AddUInt32(last ? 0u : (uint)(16 + 16 * file.Versions.Length));
        for (int i = 0; i < file.Versions.Length; i++)
        {
            NeededVersion version = file.Versions[i];
            AddUInt32(0xdead);
            if (!FlagOffsets.TryGetValue(version.Name, out List<int>? offsets))
                FlagOffsets[version.Name] = offsets = [];
            offsets.Add(needsAt + needs.Count);
            AddUInt16(version.Flags);
            AddUInt16((ushort)(i + 2));
            AddUInt32(names[version.Name]);
            AddUInt32(i == file.Versions.Length - 1 ? 0u : 16);
        }
    }

    private byte[] Assemble(int needsAt, int fileCount)
    {
        var image = new byte[needsAt + needs.Count];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(image, 0);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(0x28), SectionHeaders);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3a), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x3c), 3);
        WriteSection(image, SectionHeaders + 64, type: 3, StringsAt, strings.Count, link: 0, info: 0);
        WriteSection(image, NeedsHeader, type: 0x6ffffffe, needsAt, needs.Count, link: 1, info: (uint)fileCount);
        strings.CopyTo(image, StringsAt);
        needs.CopyTo(image, needsAt);
        return image;
    }

    private static void WriteSection(byte[] image, int header, uint type, long offset, long size, uint link, uint info)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(header + 4), type);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(header + 24), offset);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(header + 32), size);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(header + 40), link);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(header + 44), info);
    }

    private void AddUInt16(ushort value) => needs.AddRange(BitConverter.GetBytes(value));

    private void AddUInt32(uint value) => needs.AddRange(BitConverter.GetBytes(value));
}
