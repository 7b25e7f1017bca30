using EbmService.Core.Failures;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Tests.Storage;

public sealed class BlockLogsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-logs-").FullName;
    private readonly string _id = Guid.CreateVersion7().ToString("N");
    private readonly BlockLogs _sut;

    public BlockLogsTests() => _sut = Another();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Append_FromAnEarlierByte_CutsOffTheRest(bool inAnotherProcess)
    {
        _sut.Append(_id, 3, 0, new byte[] { 1, 2, 3 });
        _sut.Append(_id, 3, 3, new byte[] { 4, 5 });
        _sut.Append(_id, 3, 5, new byte[] { 6 });

        BlockLogs next = inAnotherProcess ? Another() : _sut;
        next.Append(_id, 3, 3, new byte[] { 9, 8, 7 });

        Assert.Equal([1, 2, 3, 9, 8, 7], Read(next, 6));
        Assert.Equal([1, 2, 3], Read(Another(), 3));
        Assert.Throws<InvalidDataException>(() => Read(next, 7));
        Assert.Throws<InvalidDataException>(() => Read(next, 4));
    }

    [Fact]
    public void Open_AnyPart_ReadsAcrossSegments()
    {
        byte[] content = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];
        for (int at = 0; at < content.Length; at += 20)
            _sut.Append(_id, 3, at, content.AsMemory(at, 20));

        using Stream log = _sut.Open(_id, 3, content.Length);
        foreach ((int at, int count) in new[] { (0, 200), (19, 2), (115, 60), (199, 1) })
        {
            byte[] part = new byte[count];
            log.Position = at;
            log.ReadExactly(part);
            Assert.Equal(content[at..(at + count)], part);
        }
        Assert.Equal(0, log.Read(new byte[4]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(45)]
    [InlineData(-1)]
    public void Open_DamagedOrCutShort_IsRefused(int damagedByte)
    {
        _sut.Append(_id, 3, 0, new byte[100]);
        string path = Directory.GetFiles(_folder, "*.log", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(path);
        if (damagedByte >= 0)
            bytes[damagedByte] ^= 1;
        File.WriteAllBytes(path, damagedByte >= 0 ? bytes : bytes[..^1]);

        Assert.Throws<InvalidDataException>(() => Read(Another(), 100));
    }

    [Fact]
    public void Append_BehindWhatIsThere_IsRefusedAsLost() =>
        Assert.Equal(FailureCode.StorageFailed, Assert.Throws<FailureException>(() => _sut.Append(_id, 3, 10, new byte[1])).Failure.Code);

    [Fact]
    public void CopyAll_IntoANewJob_GivesItTheSameLogs()
    {
        string child = Guid.CreateVersion7().ToString("N");
        _sut.Append(_id, 3, 0, new byte[] { 1, 2 });

        _sut.CopyAll(_id, child);
        _sut.Append(child, 3, 2, new byte[] { 3 });

        Assert.Equal([1, 2], Read(_sut, 2));
        using Stream copy = _sut.Open(child, 3, 3);
        Assert.Equal(3, copy.ReadAtLeast(new byte[3], 3));
    }

    private BlockLogs Another() => new(new JobFolders(Options.Create(new StorageOptions { DataPath = _folder })), new FakeDisk());

    private byte[] Read(BlockLogs logs, int length)
    {
        using Stream log = logs.Open(_id, 3, length);
        byte[] content = new byte[length];
        log.ReadExactly(content);
        return content;
    }
}
