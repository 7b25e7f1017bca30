using EbmService.Core.Files;

namespace EbmService.Core.Tests.Files;

public sealed class DurableFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void SyncFolder_ThatCannotBeOpened_Throws()
    {
        if (OperatingSystem.IsWindows())
            return;
        var refusal = Assert.Throws<IOException>(() => DurableFiles.SyncFolder(Path.Combine(_folder, "missing")));
        Assert.Contains("missing", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SyncFolder_OfAFileSystemWithoutIt_IsTakenAtItsWord()
    {
        if (OperatingSystem.IsLinux())
            DurableFiles.SyncFolder("/proc/self");
    }

    [Fact]
    public void CreateFolder_OfManyLevels_MakesThemAll()
    {
        string path = Path.Combine(_folder, "a", "b", "c");
        DurableFiles.CreateFolder(path);
        DurableFiles.CreateFolder(path);

        Assert.True(Directory.Exists(path));
    }

    [Fact]
    public void Replace_Existing_LeavesTheNewBytesAlone()
    {
        string path = Path.Combine(_folder, "f");
        DurableFiles.Replace(path, "old"u8);
        DurableFiles.Replace(path, "new"u8);

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Write_DiskFull_ThrowsAndLeavesNothing()
    {
        if (!File.Exists("/dev/full"))
            return;
        string path = Path.Combine(_folder, "f");
        File.CreateSymbolicLink(path, "/dev/full");

        Assert.Throws<IOException>(() => DurableFiles.Write(path, [], new byte[4096]));
        Assert.False(File.Exists(path));
    }
}
