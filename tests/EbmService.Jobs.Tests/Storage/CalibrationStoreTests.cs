using EbmService.Core.Calibration;
using EbmService.Core.Models;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Tests.Storage;

/// <summary>Calibrations on the disk.</summary>
public sealed class CalibrationStoreTests : IDisposable
{
    private static readonly ModelReference s_model = new("m", "1", "sha256:a");
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-calibrations-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Add_SameNameOfAnotherJob_IsTheNextVersionAndSurvivesARestart()
    {
        ICalibrations sut = Store();
        CalibrationEntry first = sut.Add(Entry("mine", "job1"), [1])!, second = sut.Add(Entry("mine", "job2"), [2])!, again = sut.Add(Entry("mine", "job1"), [1])!;

        Assert.Equal(("mine@1", "mine@2"), (first.Reference, second.Reference));
        Assert.Equal(first, again);
        ICalibrations later = Store();
        Assert.Equal(["mine@2", "mine@1"], later.List("m").Select(entry => entry.Reference));
        Assert.Equal([1], later.Read(later.Find(s_model, "mine@1")!)!);
        Assert.Equal([2], later.Read(later.Find(s_model, "mine")!)!);
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories), path => path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Find_OfAnotherDigestOrName_FindsNone()
    {
        ICalibrations sut = Store();
        sut.Add(Entry("mine", "job1"), [1]);

        Assert.Null(sut.Find(s_model with { Digest = "sha256:b" }, "mine"));
        Assert.Null(sut.Find(s_model, "other"));
        Assert.Null(sut.Find(s_model, null));
    }

    [Fact]
    public void Find_WithoutAName_IsTheNewestThatWasMadeDefault()
    {
        ICalibrations sut = Store();
        sut.Add(Entry("a", "job1") with { MakesDefault = true }, [1]);
        sut.Add(Entry("b", "job2") with { MakesDefault = true }, [2]);
        sut.Add(Entry("c", "job3"), [3]);

        Assert.Equal("b@1", sut.Find(s_model, null)!.Reference);
    }

    [Fact]
    public void Read_DamagedFile_IsNone()
    {
        ICalibrations sut = Store();
        CalibrationEntry entry = sut.Add(Entry("mine", "job1"), [1])!;
        File.WriteAllBytes(Path.Combine(_folder, "calibrations", "m", "mine@1.safetensors"), [9]);

        Assert.Null(sut.Read(entry));
    }

    private CalibrationStore Store() => new(
        Options.Create(new StorageOptions { DataPath = _folder }), new Ticks(), NullLogger<CalibrationStore>.Instance);

    private static CalibrationEntry Entry(string name, string job) => new()
    {
        Name = name, Model = s_model, Score = "logDensity", Scores = ["logDensity"], FitRows = 5, ReferenceRows = 1, CalibrationRows = 4, SmallestPValue = 0.2,
        Sha256 = "0", Job = job,
    };

    /// <summary>A second later at every look.</summary>
    private sealed class Ticks : TimeProvider
    {
        private int _seconds;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(++_seconds);
    }
}
