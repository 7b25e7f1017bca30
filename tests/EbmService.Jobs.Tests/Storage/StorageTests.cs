using System.Text;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Tests.Storage;

public sealed class StorageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-storage-").FullName;
    private readonly string _id = Guid.CreateVersion7().ToString("N");
    private readonly JobFolders _folders;
    private readonly ResultStore _sut;

    public StorageTests()
    {
        _folders = new JobFolders(Options.Create(new StorageOptions { DataPath = _folder }));
        _sut = new ResultStore(_folders, new JobDisk(), new BlockArchive(new JobDisk()));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Model_AgainstItsMigrations_HasNoPendingChanges()
    {
        using JobsDbContext context = new JobsDbContextDesignFactory().CreateDbContext([]);
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task WriteResults_File_IsStoredWithLengthAndHash()
    {
        ResultEntry entry = Assert.Single(_sut.WriteResults(_id, files => files.Write("a.txt", "text/plain", stream => stream.Write("abc"u8))));

        Assert.Equal((3L, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), (entry.Size, entry.Sha256));
        await using Stream stream = (await _sut.OpenResultAsync(_id, entry, default))!;
        Assert.True(stream.CanSeek);
        Assert.Equal("abc", await new StreamReader(stream, Encoding.UTF8).ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Empty(Directory.EnumerateFiles(_folder, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task OpenResult_AlteredAtEqualLength_IsRefusedAlsoAfterItWasServed()
    {
        ResultEntry entry = _sut.WriteResults(_id, files => files.Write("a.txt", "text/plain", stream => stream.Write("abc"u8)))[0];
        string path = Path.Combine(_folder, "jobs", _id, "results", "a.txt");
        (await _sut.OpenResultAsync(_id, entry, default))!.Dispose();
        File.WriteAllText(path, "abd");
        File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(1));

        Assert.Null(await _sut.OpenResultAsync(_id, entry, default));
        File.WriteAllText(path, "abc");
        Assert.NotNull(await _sut.OpenResultAsync(_id, entry, default));
    }

    [Fact]
    public async Task OpenResult_FileCutShort_IsRefused()
    {
        ResultEntry entry = _sut.WriteResults(_id, files => files.Write("a.txt", "text/plain", stream => stream.Write("abc"u8)))[0];
        File.WriteAllText(Path.Combine(_folder, "jobs", _id, "results", "a.txt"), "ab");

        Assert.Null(await _sut.OpenResultAsync(_id, entry, default));
    }

    [Fact]
    public void ReadBlock_ChangedOnDisk_Throws()
    {
        string hash = _sut.WriteBlocks(_id, 0, [new FinishedBlock(0, new StepReport(1, Done: true), "abc"u8.ToArray(), null)])[0].Sha256;
        _sut.CheckBlock(_id, 0, hash);
        Assert.Equal("abc"u8.ToArray(), _sut.ReadBlock(_id, 0));
        string path = Path.Combine(_folder, "jobs", _id, "blocks", "finished");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        Assert.Throws<InvalidDataException>(() => _sut.CheckBlock(_id, 0, hash));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a..b")]
    [InlineData("")]
    [InlineData("a\n")]
    public void WriteResults_NameThatCouldLeaveTheFolder_Throws(string name) =>
        Assert.Throws<ArgumentException>(() => _sut.WriteResults(_id, files => files.Write(name, "text/plain", _ => { })));

    [Theory]
    [InlineData("..")]
    [InlineData("0123456789abcdef0123456789ABCDEF")]
    public void Delete_NoJobId_Throws(string id) => Assert.Throws<ArgumentException>(() => _folders.Delete(id));
}
