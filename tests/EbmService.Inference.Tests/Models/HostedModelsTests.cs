using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Models;

public sealed class HostedModelsTests : IDisposable
{
    private static readonly ModelKey First = new("m", "1");

    private readonly TestRepository _files = new();
    private readonly LiveModelPool _pool;
    private readonly HostedModels _sut;

    public HostedModelsTests()
    {
        _files.AddMlp("m", "1");
        _files.AddMlp("other", "1");
        (_sut, _pool) = _files.Host();
    }

    public void Dispose()
    {
        _pool.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Load_NewVersion_IsInMemoryAndServed()
    {
        Add("2");
        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);

        HostedModel loaded = _sut.Load("m").OrThrow();

        Assert.Equal("2", loaded.Key.Version);
        Assert.Equal("2", _sut.Find("m").OrThrow().Key.Version);
        Assert.Equal(sizeof(float) * loaded.ParameterCount, _sut.MemoryOf(loaded));
        Assert.Equal(0, _sut.MemoryOf(_sut.Find("m", "1").OrThrow()));
        Assert.Equal(0, _sut.MemoryOf(_sut.Find("other").OrThrow()));
    }

    [Fact]
    public void Load_ReplacedVersion_TheOldOneLeavesWhenNobodyUsesIt()
    {
        HostedModel old = _sut.Load("m").OrThrow();
        ModelLease lease = _pool.Lease(First);
        Add("1", replace: true);

        HostedModel next = _sut.Load("m").OrThrow();

        Assert.NotEqual(old.Digest, next.Digest);
        Assert.True(_sut.MemoryOf(old) > 0);
        lease.Dispose();
        Assert.Equal(0, _sut.MemoryOf(old));
        Assert.True(_sut.MemoryOf(next) > 0);
    }

    [Fact]
    public void Load_DamagedVersion_IsRefusedAndTheOthersServe()
    {
        Add("2");
        File.WriteAllBytes(_files.Folder("m", "2", "weights.safetensors"), [1]);

        Failure pinned = _sut.Load("m", "2").Failure!;

        Assert.Equal(FailureCode.ModelUnavailable, pinned.Code);
        Assert.Contains("SHA-256", pinned.Message);
        Assert.DoesNotContain(_files.Root, pinned.Message);
        Assert.Equal("1", _sut.Load("m").OrThrow().Key.Version);
    }

    [Theory]
    [InlineData("nobody", null, FailureCode.ModelNotFound)]
    [InlineData("m", "7", FailureCode.VersionNotFound)]
    [InlineData("../m", null, FailureCode.ModelNotFound)]
    [InlineData("m", "../1", FailureCode.VersionNotFound)]
    public void LoadAndUnload_NotThere_SayWhatIsNotThere(string name, string? version, FailureCode code)
    {
        Assert.Equal(code, _sut.Load(name, version).Failure!.Code);
        Assert.Equal(code, _sut.Unload(name, version).Failure!.Code);
        Assert.True(_sut.Find("m").Succeeded);
    }

    [Fact]
    public void Unload_Model_IsAwayUntilItIsLoaded()
    {
        _sut.Load("m").OrThrow();

        HostedModel unloaded = _sut.Unload("m").OrThrow();
        Add("2");
        _sut.Refresh();

        Assert.Equal(ModelState.Unloaded, unloaded.State);
        Assert.Equal(0, _sut.MemoryOf(unloaded));
        Assert.Equal(FailureCode.ModelUnavailable, _sut.Find("m").Failure!.Code);
        Assert.Contains("unloaded", _sut.Find("m", "2").Failure!.Message);
        Assert.True(_sut.Find("other").Succeeded);
        Assert.Equal("2", _sut.Load("m").OrThrow().Key.Version);
        Assert.True(_sut.Find("m", "1").Succeeded);
    }

    [Fact]
    public void Unload_OneVersion_TheNewestOfTheOthersAnswers()
    {
        Add("2");
        _sut.Load("m").OrThrow();

        _sut.Unload("m", "2").OrThrow();

        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);
        Assert.False(_sut.Find("m", "2").Succeeded);
    }

    [Fact]
    public void Load_OneVersionOfAnUnloadedModel_LeavesTheOthersUnloaded()
    {
        Add("2");
        _sut.Load("m").OrThrow();
        _sut.Unload("m").OrThrow();

        _sut.Load("m", "1").OrThrow();

        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);
        Assert.False(_sut.Find("m", "2").Succeeded);
    }

    [Fact]
    public void Unload_VersionThatAJobKeeps_StaysForTheJobUntilItEnds()
    {
        ModelReference version = _sut.Load("m").OrThrow().Reference();
        _pool.Keep("job", [version]);
        _pool.Keep("job", [version]);

        HostedModel unloaded = _sut.Unload("m").OrThrow();
        Directory.Delete(_files.Folder("m"), recursive: true);
        _sut.Refresh();

        Assert.True(_sut.Find(version).Succeeded);
        using (ModelLease lease = _pool.Lease(version))
            Assert.Equal(version.Digest, lease.Model.Hosted.Digest);
        _sut.Release("job");
        _sut.Release("job");
        Assert.Equal(0, _sut.MemoryOf(unloaded));
        Assert.False(_sut.Find(version).Succeeded);
    }

    [Fact]
    public void TakeChanges_NewVersion_IsServedOnceItIsQuiet()
    {
        _sut.TakeChanges();
        Add("2");

        _sut.TakeChanges();
        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);
        _sut.TakeChanges();

        HostedModel served = _sut.Find("m").OrThrow();
        Assert.Equal("2", served.Key.Version);
        Assert.True(_sut.MemoryOf(served) > 0);
    }

    [Fact]
    public void TakeChanges_FolderThatIsCopiedFileByFile_IsNeverServedInPart()
    {
        string source = Path.Combine(_files.Folder("m"), "1");
        string target = Directory.CreateDirectory(_files.Folder("m", "2")).FullName;
        // version.json names its own folder.
        string manifest = File.ReadAllText(Path.Combine(source, "version.json")).Replace("\"version\": \"1\"", "\"version\": \"2\"");
        byte[] weights = File.ReadAllBytes(Path.Combine(source, "weights.safetensors"));
        File.WriteAllText(Path.Combine(target, "version.json"), manifest);
        LookTwice();
        Assert.False(_sut.Find("m", "2").Succeeded);
        File.WriteAllBytes(Path.Combine(target, "weights.safetensors"), weights[..^4]);
        LookTwice();
        Assert.False(_sut.Find("m", "2").Succeeded);
        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);

        File.WriteAllBytes(Path.Combine(target, "weights.safetensors"), weights);
        LookTwice();

        Assert.Equal("2", _sut.Find("m").OrThrow().Key.Version);
    }

    [Fact]
    public void TakeChanges_ServedVersionIsOverwritten_AnswersAsBeforeUntilTheNewOneIsWhole()
    {
        HostedModel before = _sut.Load("m").OrThrow();
        byte[] weights = File.ReadAllBytes(_files.Folder("m", "1", "weights.safetensors"));
        File.WriteAllBytes(_files.Folder("m", "1", "weights.safetensors"), weights[..8]);
        LookTwice();

        using (ModelLease lease = _pool.Lease(First))
            Assert.Equal(before.Digest, lease.Model.Hosted.Digest);
        Add("1", replace: true);
        LookTwice();

        Assert.NotEqual(before.Digest, _sut.Find("m").OrThrow().Digest);
        Assert.Equal(0, _sut.MemoryOf(before));
    }

    [Fact]
    public void TakeChanges_FaultTakesThePlaceOfAnother_TheReasonIsTheNewOne()
    {
        string weights = _files.Folder("m", "1", "weights.safetensors");
        File.WriteAllBytes(weights, [1]);
        _sut.Load("m");
        Assert.Contains("SHA-256", _sut.Find("m", "1").Failure!.Message);

        File.Delete(weights);
        LookTwice();

        Assert.Contains("missing", _sut.Find("m", "1").Failure!.Message);
    }

    [Fact]
    public void TakeChanges_ModelsThatComeAndGo_AreServedAndForgotten()
    {
        _files.AddMlp("new", "1");
        Directory.Delete(_files.Folder("other"), recursive: true);

        LookTwice();

        Assert.True(_sut.Find("new").Succeeded);
        Assert.Equal(FailureCode.ModelNotFound, _sut.Find("other").Failure!.Code);
        Assert.True(_sut.Find("m").Succeeded);
    }

    [Fact]
    public void TakeChanges_RepositoryIsAway_KeepsWhatIsServed()
    {
        Directory.Move(_files.Root, _files.Root + ".away");
        try
        {
            LookTwice();
            Assert.True(_sut.Find("m").Succeeded);
        }
        finally
        {
            Directory.Move(_files.Root + ".away", _files.Root);
        }
    }

    [Fact]
    public void TakeChanges_UnloadedModel_StaysUnloaded()
    {
        _sut.Unload("m").OrThrow();
        Add("2");

        LookTwice();

        Assert.Contains("unloaded", _sut.Find("m", "2").Failure!.Message);
    }

    /// <summary>Resident memory over such cycles is the benchmark's (--only loading): other tests run in this process.</summary>
    [Fact]
    public void LoadInferUnload_ManyTimes_LeavesNoTensor()
    {
        Cycle();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 1; i < 200; i++)
            Cycle();

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Cycle()
        {
            HostedModel loaded = _sut.Load("m").OrThrow();
            using (ModelLease lease = _pool.Lease(loaded.Key))
            using (NewDisposeScope())
                Assert.Equal(8, lease.Model.Energy.Energy(zeros(8, 2)).shape[0]);
            Assert.True(_sut.MemoryOf(loaded) > 0);
            Assert.Equal(0, _sut.MemoryOf(_sut.Unload("m").OrThrow()));
        }
    }

    [Fact]
    public void WarmUp_ReadyModels_PutsTheNewestVersionOfEachIntoMemory()
    {
        Add("2");
        _sut.Refresh();

        _sut.WarmUp(() => false);

        Assert.Equal(["m/2", "other/1"], Warm(_sut));
        Assert.All(_sut.List(), model => Assert.Equal(ModelState.Ready, model.State));
    }

    [Fact]
    public void WarmUp_VersionThatCannotBeLoaded_IsUnavailableAndTheNextTakesItsPlace()
    {
        Add("2");
        _sut.Refresh();
        File.WriteAllBytes(_files.Folder("m", "2", "weights.safetensors"), [1]);

        Parallel.For(0, 4, _ => _sut.WarmUp(() => false));

        Assert.Equal(["m/1", "other/1"], Warm(_sut));
        Failure broken = _sut.Find("m", "2").Failure!;
        Assert.Equal(FailureCode.ModelUnavailable, broken.Code);
        Assert.Contains("SHA-256", broken.Message);
        Assert.Equal("1", _sut.Find("m").OrThrow().Key.Version);
    }

    [Fact]
    public void WarmUp_ModelsOverTheMemoryCap_StayAway()
    {
        _files.AddWideMlp("large", 300_000);
        (HostedModels sut, LiveModelPool pool) = _files.Host(new ModelsOptions { MaxMemoryMegabytes = 1 });
        using LiveModelPool disposed = pool;

        sut.WarmUp(() => false);

        Assert.Equal(["m/1", "other/1"], Warm(sut));
        Assert.True(sut.Find("large").Succeeded);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void WarmUp_NotWantedOrStopping_LoadsNothing(bool wanted, bool stopping)
    {
        (HostedModels sut, LiveModelPool pool) = _files.Host(new ModelsOptions { WarmUp = wanted });
        using LiveModelPool disposed = pool;

        sut.WarmUp(() => stopping);

        Assert.Empty(Warm(sut));
    }

    [Fact]
    public void WarmUp_LeavesNoTensor()
    {
        _sut.WarmUp(() => false);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        _sut.WarmUp(() => false);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static IEnumerable<string> Warm(HostedModels models) =>
        models.List().Where(model => models.MemoryOf(model) > 0).Select(model => model.Key.ToString());

    private void LookTwice()
    {
        _sut.TakeChanges();
        _sut.TakeChanges();
    }

    private void Add(string version, bool replace = false) => ModelVersionWriter.Write(
        _files.Folder("m"), version, new ModelVersionContent { Weights = TestRepository.MlpWeights(9) }, replace);
}
