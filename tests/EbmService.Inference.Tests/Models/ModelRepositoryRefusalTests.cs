using EbmService.Core.Models;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

/// <summary>Every way in which a version is refused, with the words of its reason.</summary>
public sealed class ModelRepositoryRefusalTests : IDisposable
{
    private readonly TestRepository files = new();

    [Fact]
    public void List_ChangedWeights_NamesTheHash()
    {
        files.AddMlp("m", "1");
        string path = files.Folder("m", "1", "weights.safetensors");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        AssertRefused("does not have the SHA-256");
    }

    [Fact]
    public void List_MissingListedFile_NamesIt()
    {
        files.AddMlp("m", "1");
        File.Delete(files.Folder("m", "1", "weights.safetensors"));

        AssertRefused("'weights.safetensors' is listed in version.json but missing");
    }

    [Fact]
    public void List_UnlistedBuffer_IsRefused()
    {
        files.AddMlp("m", "1");
        files.WriteText("x", "m", "1", "buffer.safetensors");

        AssertRefused("not listed");
    }

    [Theory]
    [InlineData("../../../outside")]
    [InlineData("sub/file")]
    [InlineData(".hidden")]
    [InlineData("/etc/hostname")]
    public void List_FileNameWithAPath_IsRefused(string name)
    {
        files.AddMlp("m", "1");
        File.Delete(files.Folder("m", "1", "weights.safetensors"));
        files.WriteText($$$"""{"version":"1","files":{"{{{name}}}":"00"}}""", "m", "1", "version.json");

        AssertRefused("a name that is not allowed");
    }

    [Fact]
    public void List_WeightsLinkThatLeaves_IsRefused()
    {
        using var outside = new TemporaryFolder();
        files.AddMlp("m", "1");
        string path = files.Folder("m", "1", "weights.safetensors");
        string moved = outside.WriteFile("weights.safetensors", File.ReadAllBytes(path));
        File.Delete(path);
        File.CreateSymbolicLink(path, moved);

        AssertRefused("a link that leaves the repository");
    }

    [Fact]
    public void List_VersionLinkThatLeaves_IsRefused()
    {
        using var outside = new TemporaryFolder();
        files.AddMlp("m", "1");
        Directory.Move(files.Folder("m", "1"), outside.File("1"));
        Directory.CreateSymbolicLink(files.Folder("m", "1"), outside.File("1"));

        AssertRefused("a link that leaves the repository");
    }

    [Fact]
    public void List_ModelLinkThatLeaves_IsRefused()
    {
        using var outside = new TemporaryFolder();
        files.AddMlp("m", "1");
        Directory.Move(files.Folder("m"), outside.File("m"));
        Directory.CreateSymbolicLink(files.Folder("m"), outside.File("m"));

        AssertRefused("a link that leaves the repository");
    }

    [Fact]
    public void List_LinkThroughAnInnerLinkThatLeaves_IsRefused()
    {
        using var outside = new TemporaryFolder();
        files.AddMlp("m", "1");
        outside.WriteFile("w", File.ReadAllBytes(files.Folder("m", "1", "weights.safetensors")));
        Directory.CreateSymbolicLink(files.Folder("m", "inner"), outside.Path);
        File.Delete(files.Folder("m", "1", "weights.safetensors"));
        File.CreateSymbolicLink(files.Folder("m", "1", "weights.safetensors"), "../inner/w");

        AssertRefused("a link that leaves the repository");
    }

    [Fact]
    public void List_LinkWithinTheRepository_IsServed()
    {
        files.AddMlp("m", "1");
        File.Move(files.Folder("m", "1", "weights.safetensors"), files.Folder("m", "shared.safetensors"));
        File.CreateSymbolicLink(files.Folder("m", "1", "weights.safetensors"), "../shared.safetensors");

        Assert.Equal(ModelState.Ready, Assert.Single(files.Open().List()).State);
    }

    [Theory]
    [InlineData("{}", "missing required properties")]
    [InlineData("null", "holds null")]
    [InlineData("""{"version":"1","files":{},"extra":1}""", "extra")]
    [InlineData("""{"version":"2","files":{}}""", "version is '2' but the folder is '1'")]
    [InlineData("""{"version":"1","files":{},"blockSizes":{"cpu":0}}""", "block size")]
    [InlineData("""{"version":"1","files":{},"files":{}}""", "Duplicate")]
    [InlineData("""{"version":"1","files":{}}""", "not listed")]
    public void List_BadManifest_GivesTheReason(string json, string reason)
    {
        files.AddMlp("m", "1");
        files.WriteText(json, "m", "1", "version.json");

        AssertRefused(reason);
    }

    [Fact]
    public void List_ManifestOverTheLimit_IsRefused()
    {
        files.AddMlp("m", "1");
        files.WriteText(new string(' ', 5 << 20), "m", "1", "version.json");

        AssertRefused("more than the");
    }

    [Fact]
    public void List_WeightsAbsentForANetwork_IsRefused()
    {
        files.WriteDescriptor(TestRepository.Mlp("m"));
        ModelVersionWriter.Write(files.Folder("m"), "1", new ModelVersionContent());

        AssertRefused("'weights.safetensors' is missing");
    }

    public static TheoryData<string, string> WrongWeights => new()
    {
        { "lacking", "lacks the tensor 'layers.1.bias'" },
        { "extra", "the tensor 'other', which the architecture has not" },
        { "shape", "'layers.0.weight' has shape [2, 3]; [3, 2] is expected" },
        { "dtype", "'layers.0.bias' must hold F32, F16 or BF16" },
        { "nan", "holds NaN or infinity" },
    };

    [Theory]
    [MemberData(nameof(WrongWeights))]
    public void List_WeightsThatDontMatch_NamesTheTensor(string fault, string reason)
    {
        Dictionary<string, SafetensorsTensor> weights = TestRepository.MlpWeights();
        _ = fault switch
        {
            "lacking" => weights.Remove("layers.1.bias"),
            "extra" => weights.TryAdd("other", TestRepository.Ramp(1, 1)),
            "shape" => (weights["layers.0.weight"] = TestRepository.Ramp(1, 2, 3)) is not null,
            "dtype" => (weights["layers.0.bias"] = SafetensorsTensor.FromInt64([1, 2, 3], [3])) is not null,
            _ => (weights["layers.0.bias"] = SafetensorsTensor.FromFloats([1, float.NaN, 3], [3])) is not null,
        };
        files.WriteDescriptor(TestRepository.Mlp("m"));
        ModelVersionWriter.Write(files.Folder("m"), "1", new ModelVersionContent { Weights = weights });

        AssertRefused(reason);
    }

    public static TheoryData<string, string> WrongContent => new()
    {
        { "shape", "'states' has shape [4, 9]; [4, 1, 3, 3] is expected" },
        { "few", "has 1 chains" },
        { "labels", "a label that is no class" },
        { "order", "class i mod 2" },
        { "count", "one label per chain" },
        { "score", "lacks the tensor 'score.logDensity'" },
        { "empty", "has no scores" },
        { "uneven", "'score.maxLogit' has shape" },
        { "unfitted", "both or neither of 'score.typicality' and 'typicality.mean'" },
        { "mean alone", "both or neither of 'score.typicality' and 'typicality.mean'" },
        { "no typicality", "has no scores" },
    };

    [Theory]
    [MemberData(nameof(WrongContent))]
    public void List_BufferOrCalibrationThatDontMatch_GivesTheReason(string fault, string reason)
    {
        ModelVersionContent good = TestRepository.JemContent();
        files.AddJem("m", fault switch
        {
            "shape" => good with { Buffer = TestRepository.Ramp(1, 4, 9) },
            "few" => good with { Buffer = TestRepository.Ramp(1, 1, 1, 3, 3), BufferLabels = null },
            "labels" => good with { BufferLabels = [0, 1, 2, 0] },
            "order" => good with { BufferLabels = [1, 0, 1, 0] },
            "count" => good with { BufferLabels = [0, 1] },
            "score" => good with { Calibration = new Dictionary<string, float[]> { ["maxLogit"] = [1] } },
            "empty" => good with { Calibration = new Dictionary<string, float[]> { ["logDensity"] = [] } },
            "unfitted" => good with { Calibration = new Dictionary<string, float[]> { ["logDensity"] = [1, 2], ["typicality"] = [1] } },
            "mean alone" => good with { TypicalityMean = 1 },
            "no typicality" => good with
            {
                Calibration = new Dictionary<string, float[]> { ["logDensity"] = [1, 2], ["typicality"] = [] }, TypicalityMean = 1,
            },
            _ => good with { Calibration = new Dictionary<string, float[]> { ["logDensity"] = [1, 2], ["maxLogit"] = [1] } },
        });

        AssertRefused(reason);
    }

    [Fact]
    public void List_WeightsThatAreNoSafetensors_GivesTheReasonOfTheReader()
    {
        files.WriteDescriptor(TestRepository.Mlp("m"));
        ModelVersionWriter.Write(files.Folder("m"), "1", new ModelVersionContent
        {
            OtherFiles = new Dictionary<string, byte[]> { ["weights.safetensors"] = [1, 2, 3] },
        });

        AssertRefused("shorter than the 8 bytes");
    }

    public void Dispose() => files.Dispose();

    private void AssertRefused(string reason)
    {
        HostedModel model = Assert.Single(files.Open().List());
        Assert.Equal(ModelState.Unavailable, model.State);
        Assert.Contains(reason, model.Reason);
        Assert.DoesNotContain(files.Root, model.Reason);
        Assert.Null(model.Descriptor);
        Assert.Equal("", model.Digest);
    }
}
