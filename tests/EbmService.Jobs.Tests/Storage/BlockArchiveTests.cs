using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

public sealed class BlockArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-archive-").FullName;
    private readonly FakeDisk _disk = new();
    private readonly BlockArchive _sut;

    public BlockArchiveTests() => _sut = new BlockArchive(_disk);

    private string PathOf => Path.Combine(_folder, "x", "finished");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Append_Several_AreFoundByThisAndTheNextProcess()
    {
        string[] hashes = _sut.Append(PathOf, [Entry(0, "a"), Entry(1, "bb")]);
        _sut.Append(PathOf, [Entry(2, "")]);

        foreach (BlockArchive archive in new[] { _sut, new BlockArchive(_disk) })
        {
            Assert.Equal(["a", "bb", ""], [.. Enumerable.Range(0, 3).Select(block => Text(archive.Read(PathOf, block, ArchivePart.Result)))]);
            Assert.Equal("bb", Text(archive.Read(PathOf, 1, ArchivePart.Result, hashes[1])));
            Assert.Null(archive.Read(PathOf, 3, ArchivePart.Result));
            Assert.Null(archive.Read(PathOf, 0, ArchivePart.Checkpoint));
            Assert.Throws<InvalidDataException>(() => archive.Read(PathOf, 1, ArchivePart.Result, hashes[0]));
        }
    }

    [Fact]
    public void Append_SameBlockAgain_TheLaterCounts()
    {
        _sut.Append(PathOf, [Entry(0, "old")]);
        _sut.Append(PathOf, [Entry(0, "new", step: 9)]);

        Assert.Equal("new", Text(new BlockArchive(_disk).Read(PathOf, 0, ArchivePart.Result)));
        Assert.Equal(9, _sut.Find(PathOf, 0, ArchivePart.Result)?.Step);
    }

    [Fact]
    public void Append_AfterAProcessDiedWithinAnAppend_CutsItsEndOff()
    {
        _sut.Append(PathOf, [Entry(0, "a"), Entry(1, "bbbb")]);
        byte[] whole = File.ReadAllBytes(PathOf);
        int second = whole.Length - 64 - 4;
        foreach (int length in new[] { second + 1, second + 40, whole.Length - 1 })
        {
            File.WriteAllBytes(PathOf, whole[..length]);
            var next = new BlockArchive(_disk);
            Assert.Null(next.Find(PathOf, 1, ArchivePart.Result));
            next.Append(PathOf, [Entry(2, "c")]);
            Assert.Equal(["a", "c"], [.. new[] { 0, 2 }.Select(block => Text(new BlockArchive(_disk).Read(PathOf, block, ArchivePart.Result)))]);
        }
    }

    [Fact]
    public void Append_DiskFull_LeavesWhatWasThere()
    {
        _sut.Append(PathOf, [Entry(0, "a")]);
        _disk.OnChange = _ => throw FakeDisk.Full();
        Assert.Throws<IOException>(() => _sut.Append(PathOf, [Entry(1, "b")]));
        _disk.OnChange = null;
        _sut.Append(PathOf, [Entry(2, "c")]);

        Assert.Null(_sut.Find(PathOf, 1, ArchivePart.Result));
        Assert.Equal("c", Text(new BlockArchive(_disk).Read(PathOf, 2, ArchivePart.Result)));
    }

    [Fact]
    public void Read_AnyByteChanged_IsRefusedOrGone()
    {
        _sut.Append(PathOf, [Entry(0, "abc")]);
        byte[] whole = File.ReadAllBytes(PathOf);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 1;
            File.WriteAllBytes(PathOf, changed);
            try
            {
                Assert.Null(new BlockArchive(_disk).Read(PathOf, 0, ArchivePart.Result));
            }
            catch (InvalidDataException)
            {
                // Refused.
            }
        }
    }

    private static ArchiveEntry Entry(int block, string content, int step = 3) =>
        new(block, ArchivePart.Result, Epoch: 0, step, System.Text.Encoding.UTF8.GetBytes(content));

    private static string Text(byte[]? content) => System.Text.Encoding.UTF8.GetString(content!);
}
