using EbmService.Core.Models;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using Microsoft.Extensions.Options;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Models;

public sealed class LiveModelPoolTests : IDisposable
{
    private static readonly ModelKey Key = new("m", "1");

    private readonly TestRepository _files = new();
    private readonly ModelRepository _repository;
    private readonly LiveModelPool _sut;

    public LiveModelPoolTests()
    {
        _files.AddMlp("m", "1");
        _repository = _files.Open();
        _sut = Create();
    }

    public void Dispose()
    {
        _sut.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Lease_SameVersionTwice_IsBuiltOnceAndStaysAfterItsUse()
    {
        LiveModel first = Use();

        Assert.Same(first, Use());
        Assert.False(WeightOf(first).IsInvalid);
    }

    [Fact]
    public void Lease_VersionReplacedWhileInUse_StaysUntilItIsGivenBack()
    {
        ModelLease old = _sut.Lease(Key);
        var reference = new ModelReference(Key.Name, Key.Version, old.Model.Hosted.Digest);
        Tensor weight = WeightOf(old.Model);
        Replace();
        LiveModel next = Use();

        Assert.NotSame(old.Model, next);
        Assert.Same(old.Model, _sut.Get(reference));
        Assert.False(weight.IsInvalid);
        old.Dispose();
        old.Dispose();
        Assert.True(weight.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => _sut.Get(reference));
        Assert.Same(next, Use());
    }

    [Fact]
    public void Lease_VersionThatIsGone_LeavesTheDevice()
    {
        ModelLease lease = _sut.Lease(Key);
        Tensor weight = WeightOf(lease.Model);
        Directory.Delete(_files.Folder("m"), recursive: true);
        _repository.Reload();
        lease.Dispose();

        Assert.True(weight.IsInvalid);
    }

    [Fact]
    public void Lease_OverTheCap_TheLeastRecentlyUsedLeavesAndComesBack()
    {
        // 1 MiB each, and room for two.
        string[] names = ["a", "b", "c"];
        foreach (string name in names)
            _files.AddWideMlp(name, 1 << 16);
        _repository.Reload();
        using LiveModelPool sut = Create(maxMemoryMegabytes: 3);
        Touch("a");
        Touch("b");
        Touch("a");

        Touch("c");

        Assert.Equal("ac", InMemory());
        Touch("b");
        Assert.Equal("bc", InMemory());

        void Touch(string name) => sut.Lease(new ModelKey(name, "1")).Dispose();
        string InMemory() => string.Concat(names.Where(name => sut.MemoryOf(_repository.Find(name).OrThrow().Reference()) > 0));
    }

    [Fact]
    public void Lease_AllInUseOverTheCap_StayUntilTheyAreGivenBack()
    {
        _files.AddWideMlp("a", 1 << 18);
        _files.AddWideMlp("b", 1 << 18);
        _repository.Reload();
        using LiveModelPool sut = Create(maxMemoryMegabytes: 1);
        ModelLease a = sut.Lease(new ModelKey("a", "1"));
        ModelLease b = sut.Lease(new ModelKey("b", "1"));
        Tensor weight = WeightOf(a.Model);

        Assert.False(weight.IsInvalid);
        a.Dispose();

        Assert.True(weight.IsInvalid);
        weight = WeightOf(b.Model);
        b.Dispose();
        // Alone it is over the cap as well, but nothing else has been used since.
        Assert.False(weight.IsInvalid);
        sut.Lease(Key).Dispose();
        Assert.True(weight.IsInvalid);
    }

    [Fact]
    public async Task Lease_ManyThreadsOverTheCap_EachComputesWithItsOwnModel()
    {
        string[] names = ["a", "b", "c"];
        foreach ((int i, string name) in names.Index())
        {
            _files.WriteDescriptor(TestRepository.Mlp(name));
            ModelVersionWriter.Write(_files.Folder(name), "1", new ModelVersionContent { Weights = TestRepository.MlpWeights(i + 1) });
        }
        _files.AddWideMlp("wide", 1 << 18);
        _repository.Reload();
        using LiveModelPool sut = Create(maxMemoryMegabytes: 1);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 60; i++)
            {
                string name = i % 10 == thread ? "wide" : names[(i + thread) % names.Length];
                using ModelLease lease = sut.Lease(new ModelKey(name, "1"));
                Assert.Equal(name, lease.Model.Hosted.Key.Name);
                Assert.False(WeightOf(lease.Model).IsInvalid);
            }
        })));
    }

    private LiveModelPool Create(int maxMemoryMegabytes = 0) => new(
        _repository, new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" })),
        Options.Create(new ModelsOptions { MaxMemoryMegabytes = maxMemoryMegabytes }));

    private LiveModel Use()
    {
        using ModelLease lease = _sut.Lease(Key);
        return lease.Model;
    }

    private static Tensor WeightOf(LiveModel model) => model.Energy.Parameters.Values.First();

    private void Replace()
    {
        Directory.Delete(Path.Combine(_files.Folder("m"), "1"), recursive: true);
        ModelVersionWriter.Write(_files.Folder("m"), "1", new ModelVersionContent { Weights = TestRepository.MlpWeights(9) });
        _repository.Reload();
    }
}
