using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class ModelVersionWriterTests : IDisposable
{
    private readonly TestRepository files = new();

    [Fact]
    public void Write_ExistingVersion_IsKeptUnlessReplaceIsAsked()
    {
        files.AddMlp("m", "1");
        var other = new ModelVersionContent { Weights = TestRepository.MlpWeights(5) };
        string before = files.Open().Find("m").OrThrow().Digest;

        Assert.Throws<IOException>(() => ModelVersionWriter.Write(files.Folder("m"), "1", other));
        Assert.Equal(before, files.Open().Find("m").OrThrow().Digest);
        ModelVersionWriter.Write(files.Folder("m"), "1", other, replace: true);

        Assert.NotEqual(before, files.Open().Find("m").OrThrow().Digest);
        Assert.Equal(["1"], Directory.GetDirectories(files.Folder("m")).Select(Path.GetFileName));
    }

    [Fact]
    public void Write_ThatFails_LeavesNothing()
    {
        files.WriteDescriptor(TestRepository.Mlp("m"));
        var bad = new ModelVersionContent { OtherFiles = new Dictionary<string, byte[]> { ["../x"] = [] } };

        Assert.Throws<ArgumentException>(() => ModelVersionWriter.Write(files.Folder("m"), "1", bad));
        Assert.Throws<ArgumentException>(() => ModelVersionWriter.Write(files.Folder("m"), "../2", new ModelVersionContent()));

        Assert.Empty(Directory.GetDirectories(files.Folder("m")));
    }

    [Fact]
    public void WriteManifest_WithNewMetrics_KeepsTheDigest()
    {
        files.AddJem("m");
        HostedModel before = files.Open().Find("m").OrThrow();

        ModelVersionWriter.WriteManifest(
            files.Folder("m", "1"), before.Manifest! with { Metrics = new Dictionary<string, double> { ["auroc"] = 0.5 } });

        HostedModel after = files.Open().Find("m").OrThrow();
        Assert.Equal(before.Digest, after.Digest);
        Assert.Equal(0.5, after.Manifest!.Metrics["auroc"]);
    }

    [Fact]
    public void Write_SameContentTwice_GivesTheSameBytes()
    {
        files.AddJem("a");
        files.AddJem("b");

        foreach (string name in new[] { "weights.safetensors", "buffer.safetensors", "calibration.safetensors", "version.json" })
            Assert.Equal(File.ReadAllBytes(files.Folder("a", "1", name)), File.ReadAllBytes(files.Folder("b", "1", name)));
    }

    public void Dispose() => files.Dispose();
}
