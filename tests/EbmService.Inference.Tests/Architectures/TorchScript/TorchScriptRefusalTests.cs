using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.TorchScript;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;

namespace EbmService.Inference.Tests.Architectures.TorchScript;

/// <summary>Modules that are not served, each with its reason, beside a model that is.</summary>
public sealed class TorchScriptRefusalTests : IDisposable
{
    private static readonly TorchScriptSpec Logits = new(ModuleOutput.Logits, 4);
    private static readonly InputSchema Grey = new(InputKind.Image, [1, 8, 8], -1, 1);
    private static readonly InputSchema Vector = new(InputKind.Vector, [3], -3, 3);
    private readonly TestRepository _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void List_WhileNotAllowed_NamesTheSettingAndServesTheOthers()
    {
        Write(Logits, Grey, TorchScriptFixtures.Bytes("classifier.pt"));
        _files.AddMlp("other", "1");

        ModelRepository sut = _files.Open();

        AssertUnavailable(sut, "set Models:AllowTorchScript to true");
        Assert.Equal(ModelState.Ready, sut.List().Single(model => model.Key.Name == "other").State);
        Assert.Equal(ModelState.Ready, _files.Open(allowTorchScript: true).List().Single(model => model.Key.Name == "m").State);
    }

    public static TheoryData<string, TorchScriptSpec, InputSchema, string> Wrong => new()
    {
        { "refused-coupled", Logits, Grey, "other numbers beside other rows" },
        { "refused-noisy", new(ModuleOutput.Energy), Vector, "other numbers for the same input" },
        { "classifier", Logits with { Classes = 3 }, Grey, "gives [8, 4] for 8 inputs; [8, 3] is expected" },
        { "classifier", new(ModuleOutput.Energy), Grey, "[8] is expected" },
        { "classifier", Logits with { OutputIndex = 1 }, Grey, "no tensor as its output 1" },
        { "classifier", Logits, new(InputKind.Image, [1, 9, 9], -1, 1), "fails on this model's input: RuntimeError: mat1 and mat2" },
        { "density", new(ModuleOutput.Energy, OutputIndex: 2), new(InputKind.Vector, [5], 0, 1), "no tensor as its output 2" },
        { "frozen", new(ModuleOutput.Energy, Bfloat16: true), Vector, "fails on this model's input" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void List_ModuleThatIsNotWhatTheDescriptorSays_GivesTheReason(
        string module, TorchScriptSpec spec, InputSchema input, string reason)
    {
        Write(spec, input, TorchScriptFixtures.Bytes($"{module}.pt"));

        AssertUnavailable(_files.Open(allowTorchScript: true), reason);
    }

    [Theory]
    [InlineData(0, "no archive")]
    [InlineData(3000, "no archive")]
    [InlineData(-1, "can't be loaded as TorchScript")]
    public void List_DamagedModule_GivesTheReason(int length, string reason)
    {
        byte[] bytes = TorchScriptFixtures.Bytes("energy.pt");
        Write(new(ModuleOutput.Energy), Vector, length < 0 ? EmptyArchive() : bytes[..length]);

        AssertUnavailable(_files.Open(allowTorchScript: true), reason);
    }

    [Fact]
    public void List_ChangedModule_NamesTheHash()
    {
        Write(new(ModuleOutput.Energy), Vector, TorchScriptFixtures.Bytes("energy.pt"));
        File.WriteAllBytes(_files.Folder("m", "1", "model.pt"), TorchScriptFixtures.Bytes("frozen.pt"));

        AssertUnavailable(_files.Open(allowTorchScript: true), "does not have the SHA-256");
    }

    [Fact]
    public void List_ModuleThatIsNotListed_IsRefused()
    {
        Write(new(ModuleOutput.Energy), Vector, null);
        File.WriteAllBytes(_files.Folder("m", "1", "model.pt"), TorchScriptFixtures.Bytes("energy.pt"));

        AssertUnavailable(_files.Open(allowTorchScript: true), "is not listed in version.json");
    }

    [Fact]
    public void List_ModuleForAFamilyOfWeights_IsRefused()
    {
        _files.WriteDescriptor(TestRepository.Mlp("m"));
        ModelVersionWriter.Write(_files.Folder("m"), "1", new ModelVersionContent
        {
            Weights = TestRepository.MlpWeights(), Module = TorchScriptFixtures.Bytes("energy.pt"),
        });

        AssertUnavailable(_files.Open(allowTorchScript: true), "but 'mlp' takes weights");
    }

    [Theory]
    [InlineData("""{"kind":"torchscript","output":"logits"}""", "needs classes, 2 to")]
    [InlineData("""{"kind":"torchscript","output":"energy","classes":2}""", "its output is no logits")]
    [InlineData("""{"kind":"torchscript","output":"energy","outputIndex":-1}""", "an outputIndex of at least 0")]
    public void Faults_Members_AreNamed(string json, string fault)
    {
        ArchitectureSpec spec = JsonSerializer.Deserialize<ModelArchitecture>(json, EbmJson.Options)!.Spec();

        Assert.Contains(spec.Family().Faults(spec, Vector), each => each.Contains(fault, StringComparison.Ordinal));
    }

    [Fact]
    public void Digest_OtherModule_Differs()
    {
        ModelDescriptor descriptor = Descriptor(new(ModuleOutput.Energy), Vector);

        Assert.NotEqual(Digest("aa"), Digest("bb"));

        string Digest(string hash) => ModelDigest.Compute(descriptor, new Dictionary<string, string> { ["model.pt"] = hash });
    }

    private static byte[] EmptyArchive()
    {
        var bytes = new MemoryStream();
        using (var archive = new System.IO.Compression.ZipArchive(bytes, System.IO.Compression.ZipArchiveMode.Create))
            archive.CreateEntry("nothing/here");
        return bytes.ToArray();
    }

    private static ModelDescriptor Descriptor(TorchScriptSpec spec, InputSchema input) => new()
    {
        Name = "m",
        Title = "m",
        Architecture = spec,
        Input = input,
        Labels = [.. Enumerable.Range(0, spec.Classes).Select(label => $"class {label}")],
    };

    private void Write(TorchScriptSpec spec, InputSchema input, byte[]? module)
    {
        _files.WriteDescriptor(Descriptor(spec, input));
        ModelVersionWriter.Write(_files.Folder("m"), "1", new ModelVersionContent { Module = module });
    }

    private void AssertUnavailable(ModelRepository sut, string reason)
    {
        HostedModel model = sut.List().Single(model => model.Key.Name == "m");
        Assert.Equal(ModelState.Unavailable, model.State);
        Assert.Contains(reason, model.Reason);
        Assert.DoesNotContain(_files.Root, model.Reason);
    }
}
