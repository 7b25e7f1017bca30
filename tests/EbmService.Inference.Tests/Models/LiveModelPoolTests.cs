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
        _sut = new LiveModelPool(_repository, new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" })), Options.Create(new ModelsOptions()));
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
