using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class RealPathTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string real;

    public RealPathTests() => real = RealPath.Of(folder.Path);

    [Fact]
    public void IsWithin_SiblingWithTheSamePrefix_IsOutside()
    {
        folder.WriteFile("models/a", [1]);
        folder.WriteFile("models-evil/a", [1]);
        string root = Path.Combine(real, "models");
        File.CreateSymbolicLink(folder.File("models", "out"), "../models-evil/a");

        Assert.True(RealPath.IsWithin(root, folder.File("models", "a")));
        Assert.True(RealPath.IsWithin(root, folder.File("models")));
        Assert.False(RealPath.IsWithin(root, folder.File("models-evil", "a")));
        Assert.False(RealPath.IsWithin(root, folder.File("models", "out")));
    }

    [Fact]
    public void Of_DotDotAfterALink_GoesUpFromTheTarget()
    {
        folder.WriteFile("deep/er/file", [1]);
        Directory.CreateSymbolicLink(folder.File("link"), "deep/er");
        File.CreateSymbolicLink(folder.File("up"), "link/../x");

        Assert.Equal(Path.Combine(real, "deep", "x"), RealPath.Of(folder.File("up")));
    }

    [Fact]
    public void List_WeightsLinkThatLoops_MakesTheVersionUnavailable()
    {
        using var files = new TestRepository();
        files.AddMlp("m", "1");
        string path = files.Folder("m", "1", "weights.safetensors");
        File.Delete(path);
        File.CreateSymbolicLink(path, path);

        HostedModel model = Assert.Single(files.Open().List());

        Assert.Equal((ModelState.Unavailable, "a file can't be read"), (model.State, model.Reason));
    }

    public void Dispose() => folder.Dispose();
}
