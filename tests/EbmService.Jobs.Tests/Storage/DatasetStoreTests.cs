using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Storage;

/// <summary>Datasets on the disk; what a file of rows is, is the fake converter's.</summary>
public sealed class DatasetStoreTests : IAsyncLifetime
{
    private JobsHost _host = new();

    private DatasetStore Sut => _host.Get<DatasetStore>();

    private string Objects => Path.Combine(_host.Folder, "datasets", "objects");

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public void Add_NewName_IsFoundAndReadBack()
    {
        (Dataset dataset, bool isNew) = Sut.Add("digits", new MemoryStream([1, 2, 3]), new MemoryStream([0, 0, 0])).OrThrow();

        Assert.True(isNew);
        Assert.Equal(dataset, Sut.Find("digits").OrThrow());
        Assert.Equal([dataset], Sut.List());
        using Stream rows = Sut.Open(dataset.Sha256);
        Assert.Equal([1, 2, 3], Read(rows));
        Assert.NotNull(dataset.LabelsSha256);
    }

    [Fact]
    public void Add_SameNameAgain_IsTheSameOrRefused()
    {
        Dataset first = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;

        Assert.Equal((first, false), Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow());
        Assert.Equal(FailureCode.DatasetExists, Sut.Add("digits", new MemoryStream([1, 2, 4]), null).Failure!.Code);
        Assert.Equal(FailureCode.DatasetExists, Sut.Add("digits", new MemoryStream([1, 2, 3]), new MemoryStream([0])).Failure!.Code);
        Assert.Equal(first, Sut.Find("digits").OrThrow());
    }

    [Fact]
    public void Add_EqualRowsUnderTwoNames_AreStoredOnceAndGoWithTheLastName()
    {
        Sut.Add("a", new MemoryStream([1, 2, 3]), null).OrThrow();
        Sut.Add("b", new MemoryStream([1, 2, 3]), null).OrThrow();

        Assert.Single(Directory.GetFiles(Objects));
        Assert.Null(Sut.Delete("a"));
        Assert.Single(Directory.GetFiles(Objects));
        Assert.Null(Sut.Delete("b"));
        Assert.Empty(Directory.GetFiles(Objects));
        Assert.Equal(FailureCode.DatasetNotFound, Sut.Delete("b")!.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData(".hidden")]
    [InlineData("a/b/c")]
    [InlineData("../b")]
    [InlineData("a/../b")]
    [InlineData("/b")]
    [InlineData("a/")]
    [InlineData("a\n")]
    public void Add_BadName_IsAFieldError(string name)
    {
        Assert.Equal("name", Sut.Add(name, new MemoryStream([1]), null).Failure!.Fields.Single().Field);
        Assert.Equal(FailureCode.DatasetNotFound, Sut.Find(name).Failure!.Code);
    }

    [Fact]
    public void Add_RowsThatCantBeRead_LeaveNoTrace()
    {
        Assert.Equal("rows", Sut.Add("digits", new MemoryStream(), null).Failure!.Fields.Single().Field);

        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_host.Folder, "datasets"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Add_UploadsThatBeganWithTheSameRoom_ShareIt()
    {
        long each = Sut.Add("first", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset.Bytes;
        // Room for two, as each of three uploads that come at the same time has seen it.
        long room = 2 * each;

        Assert.True(Sut.Add("second", new MemoryStream([4, 5, 6]), null, room).Succeeded);
        Assert.Equal(FailureCode.QuotaExceeded, Sut.Add("third", new MemoryStream([7, 8, 9]), null, room).Failure!.Code);
        Assert.Equal(2 * each, Sut.BytesOf(JobSnapshot.DefaultTenant));
    }

    [Fact]
    public void Delete_OfTheSameRowsUnderAnotherName_IsTheOtherNamesOwnAffair()
    {
        Dataset dataset = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;
        Sut.Add("copy", new MemoryStream([1, 2, 3]), null);
        Sut.Hold("j", [new JobInput("rows.npy", null, null, dataset.Sha256) { Dataset = "digits" }]);

        Assert.Null(Sut.Delete("copy"));
        Assert.Equal(FailureCode.DatasetInUse, Sut.Delete("digits")!.Code);
        using Stream rows = Sut.Open(dataset.Sha256);
        Assert.True(rows.Length > 0);
    }

    [Fact]
    public void Delete_HeldForAJobThatIsTakenIn_IsRefusedUntilItIsReleased()
    {
        Dataset dataset = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;
        var input = new JobInput("rows.npy", null, null, dataset.Sha256) { Dataset = "digits", Field = "spec.inputs" };

        Sut.Hold("j", [input]);
        Assert.Equal(FailureCode.DatasetInUse, Sut.Delete("digits")!.Code);
        Sut.Release("j");
        Assert.Null(Sut.Delete("digits"));
        Assert.Equal("spec.inputs", Assert.Throws<FailureException>(() => Sut.Hold("j", [input])).Failure.Fields.Single().Field);
    }

    [Fact]
    public void Open_ObjectThatWasChangedOnTheDisk_IsRefused()
    {
        Dataset dataset = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;
        DatasetStore fresh = Restarted();
        File.WriteAllBytes(Directory.GetFiles(Objects).Single(), [1, 2, 4]);

        Assert.Equal(FailureCode.StorageFailed, Assert.Throws<FailureException>(() => fresh.Open(dataset.Sha256)).Failure.Code);
    }

    [Fact]
    public void Restart_KeepsWhatIsNamedAndRemovesWhatAKilledProcessLeft()
    {
        Dataset dataset = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;
        string stray = Path.Combine(Objects, new string('0', 64) + ".npy"), staged = Path.Combine(_host.Folder, "datasets", "staging", "x");
        File.WriteAllBytes(stray, [9]);
        File.WriteAllBytes(staged, [9]);

        DatasetStore fresh = Restarted();

        Assert.Equivalent(dataset, Assert.Single(fresh.List()));
        Assert.False(File.Exists(stray) || File.Exists(staged));
        Assert.True(File.Exists(Path.Combine(Objects, dataset.Sha256 + ".npy")));
    }

    [Fact]
    public void Restart_NameThatCantBeRead_KeepsItsRows()
    {
        Dataset dataset = Sut.Add("digits", new MemoryStream([1, 2, 3]), null).OrThrow().Dataset;
        File.WriteAllText(Path.Combine(_host.Folder, "datasets", "names", "digits.json"), "{");

        Assert.Empty(Restarted().List());
        Assert.True(File.Exists(Path.Combine(Objects, dataset.Sha256 + ".npy")));
    }

    /// <summary>A store as the next process has it.</summary>
    private DatasetStore Restarted() =>
        Microsoft.Extensions.DependencyInjection.ActivatorUtilities.CreateInstance<DatasetStore>(_host.Get<IServiceProvider>());

    private static byte[] Read(Stream stream)
    {
        var all = new MemoryStream();
        stream.CopyTo(all);
        return all.ToArray();
    }
}
