using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Tests.Storage;

public sealed class JobDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_IntoANewFolder_MakesIt()
    {
        new JobDisk().Write(Path.Combine(_folder, "x", "y", "f"), "abc"u8);

        Assert.Equal("abc", File.ReadAllText(Path.Combine(_folder, "x", "y", "f")));
    }
}
