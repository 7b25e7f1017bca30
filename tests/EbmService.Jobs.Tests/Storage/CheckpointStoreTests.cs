using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Tests.Storage;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-checkpoints-").FullName;
    private readonly string _id = Guid.CreateVersion7().ToString("N");
    private readonly FakeDisk _disk = new();
    private readonly CheckpointStore _sut;

    public CheckpointStoreTests() => _sut = new CheckpointStore(
        new JobFolders(Options.Create(new StorageOptions { DataPath = _folder })), _disk, new BlockArchive(_disk), NullLogger<CheckpointStore>.Instance);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_Several_KeepsTheTwoNewest()
    {
        for (int step = 1; step <= 5; step++)
            _sut.Write(_id, 0, epoch: 0, step, [(byte)step]);

        Assert.Equal(2, Directory.GetFiles(Path.GetDirectoryName(PathOf(0))!).Length);
        Assert.Equal(5, _sut.Peek(_id, 0)?.Step);
        Assert.Equal((5, 5), Content());
        Damage(PathOf(0), PathOf(1), newest: 5);
        Assert.Equal((4, 4), Content());
    }

    /// <summary>A step longer than the time between two checkpoints is saved several times within.</summary>
    [Theory]
    [InlineData(new[] { 3, 4 })]
    [InlineData(new[] { 2, 3, 4 })]
    public void Write_TheSameStepSeveralTimes_KeepsTheLatestAndAnEarlierStep(int[] steps)
    {
        foreach (int step in steps)
            _sut.Write(_id, 0, epoch: 1, step, [(byte)step]);
        for (byte within = 100; within < 104; within++)
        {
            _sut.Write(_id, 0, epoch: 1, 4, [within]);
            Assert.Equal((4, within), Content());
        }

        Damage(PathOf(0), PathOf(1), newest: 103);
        Assert.Equal((3, 3), Content());
    }

    [Fact]
    public void Write_OtherBlock_IsItsOwn()
    {
        _sut.Write(_id, 0, 0, 7, [7]);
        _sut.Write(_id, 1, 0, 8, [8]);

        Assert.Equal((7, 7), Content());
        Assert.Null(_sut.Read(_id, 2));
        Assert.Null(_sut.Peek(_id, 2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(13)]
    [InlineData(20)]
    [InlineData(30)]
    [InlineData(56)]
    [InlineData(59)]
    public void Read_AnyByteOfTheNewestChanged_FallsBack(int offset)
    {
        _sut.Write(_id, 0, 1, 10, [1, 2, 3, 4]);
        _sut.Write(_id, 0, 1, 20, [5, 6, 7, 8]);
        Flip(PathOf(1), offset);

        StoredCheckpoint read = _sut.Read(_id, 0)!;
        Assert.Equal((10, (byte)1), (read.Step, read.Content[0]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(57)]
    public void Read_NewestCutShort_FallsBack(int length)
    {
        _sut.Write(_id, 0, 1, 10, [1, 2]);
        _sut.Write(_id, 0, 1, 20, [3, 4]);
        using (var file = new FileStream(PathOf(1), FileMode.Open))
            file.SetLength(length);

        Assert.Equal((10, 1), Content());
    }

    [Fact]
    public void Read_BothDamaged_IsNull()
    {
        _sut.Write(_id, 0, 1, 10, [1]);
        _sut.Write(_id, 0, 1, 20, [2]);
        Flip(PathOf(0), 40);
        Flip(PathOf(1), 40);

        Assert.Null(_sut.Read(_id, 0));
    }

    [Fact]
    public void Write_AfterANewerEpochWrote_IsRefusedAndChangesNothing()
    {
        _sut.Write(_id, 0, epoch: 1, 10, [1]);
        _sut.Write(_id, 0, epoch: 2, 10, [2]);

        Assert.Throws<StaleEpochException>(() => _sut.Write(_id, 0, epoch: 1, 99, [9]));
        Assert.Equal((10, 2), Content());
        _sut.Write(_id, 0, epoch: 2, 11, [3]);
        Assert.Equal((11, 3), Content());
    }

    [Fact]
    public void Write_DamagedHeadClaimsANewerEpoch_IsNotRefused()
    {
        _sut.Write(_id, 0, epoch: 1, 10, [1]);
        _sut.Write(_id, 0, epoch: 1, 20, [2]);
        Flip(PathOf(1), 8 + 3);

        _sut.Write(_id, 0, epoch: 1, 30, [3]);
        Assert.Equal((30, 3), Content());
    }

    [Theory]
    [InlineData(".tmp")]
    [InlineData("")]
    public void Write_DiskFullAtEitherChange_LeavesTheOldOnes(string at)
    {
        _sut.Write(_id, 0, 0, 1, [1]);
        _sut.Write(_id, 0, 0, 2, [2]);
        _disk.OnChange = path => Fail(path, PathOf(0) + at);

        Assert.Throws<IOException>(() => _sut.Write(_id, 0, 0, 3, [3]));
        Assert.Equal((2, 2), Content());
        _disk.OnChange = null;
        _sut.Write(_id, 0, 0, 4, [4]);
        Assert.Equal((4, 4), Content());
    }

    [Fact]
    public void Prune_TwoGenerations_LeavesTheNewest()
    {
        _sut.Write(_id, 0, 0, 1, [1]);
        _sut.Write(_id, 0, 0, 2, [2]);
        _sut.Prune(_id, 0);

        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(PathOf(0))!));
        Assert.Equal((2, 2), Content());
    }

    private static void Fail(string path, string at)
    {
        if (path == at)
            throw FakeDisk.Full();
    }

    private (int Step, int Content) Content() => _sut.Read(_id, 0) is { } read ? (read.Step, read.Content[0]) : (-1, -1);

    private string PathOf(int generation) => Path.Combine(_folder, "jobs", _id, "checkpoints", $"000000.{generation}");

    private static void Damage(string first, string second, int newest) =>
        Flip(File.ReadAllBytes(first)[^1] == newest ? first : second, 57 - 1);

    private static void Flip(string path, int offset)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[offset] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }
}
