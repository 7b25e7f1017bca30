using EbmService.Inference.Architectures.Igebm;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;
using EbmService.Inference.Importing;

namespace EbmService.Inference.Tests.Importing;

public sealed class CheckpointImportTests
{
    [Fact]
    public void Create_CheckpointOfJem_MapsAllButWhatTheEnergyDoesNotNeed()
    {
        CheckpointImport sut = Case("jem").Import();

        Assert.Equal(["energy_output.bias [1]", "energy_output.weight [1, 64]", "f.linear.bias [10]", "f.linear.weight [10, 64]"],
            sut.Ignored);
        Assert.Empty(sut.Folded);
        Assert.Equal([10, 3, 32, 32], sut.Buffer!.Shape);
        Assert.Null(sut.BufferLabels);
        Assert.All(sut.Weights.Values, tensor => Assert.Equal(SafetensorsDtype.F32, tensor.Dtype));
    }

    [Fact]
    public void Create_CheckpointWithNorms_FoldsThem()
    {
        CheckpointImport sut = Case("jem-norm").Import();

        Assert.Equal(7, sut.Folded.Count);
        Assert.Contains("f.layer1.0.bn1 (batch norm with frozen statistics)", sut.Folded);
        Assert.Equal([16], sut.Weights["layer1.0.norm1.scale"].Shape);
    }

    [Fact]
    public void Create_CheckpointOfIgebm_FoldsSpectralNorms()
    {
        CheckpointImport sut = Case("igebm").Import();

        Assert.Contains("conv1.weight (spectral norm)", sut.Folded);
        Assert.Contains("blocks.0.conv2.weight (spectral norm, bounded)", sut.Folded);
        Assert.Contains("blocks.0.skip.0.weight (spectral norm)", sut.Folded);
    }

    [Fact]
    public void Create_BufferByClass_IsPutInTheOrderOfSlots()
    {
        ImportCase each = Case("jem");
        CheckpointTensor stored = each.Layout().Buffer!;
        ImportCase two = each with { Classes = 10 };

        CheckpointImport sut = two.Import(bufferByClass: true);

        Assert.Equal(Enumerable.Range(0, 10), sut.BufferLabels);
        Assert.Equal(stored.Read().Data.ToArray(), sut.Buffer!.Data.ToArray());
        InvalidCheckpointException refusal = Assert.Throws<InvalidCheckpointException>(() => CheckpointImport.Create(
            each.Layout() with { Buffer = Rows(7, [3, 32, 32]) }, each.SourceTable, each.Descriptor));
        Assert.Contains("at least one per class", refusal.Message);
    }

    [Fact]
    public void Create_TwoChainsPerClass_AreInterleaved()
    {
        ImportCase each = Case("igebm-classes");

        CheckpointImport sut = CheckpointImport.Create(
            each.Layout() with { Buffer = Rows(6, [3, 16, 16]) }, each.SourceTable, each.Descriptor, bufferByClass: true);

        Assert.Equal([0, 1, 2, 0, 1, 2], sut.BufferLabels);
        Assert.Equal([0, 2, 4, 1, 3, 5], sut.Buffer!.ToFloats().Chunk(3 * 16 * 16).Select(row => row[0]));
    }

    [Fact]
    public void Create_OtherSizes_ListsAllThatIsMissingLeftOverOrOfAnotherShape()
    {
        ImportCase each = Case("igebm");
        var spec = (IgebmSpec)each.Spec;

        string message = Refusal(each with { Spec = spec with { Channels = 10,
            Blocks = [.. spec.Blocks.SkipLast(1), new IgebmBlock(16)] } });

        Assert.Contains("of another shape: conv1.weight [8, 3, 3, 3], but conv1.weight [10, 3, 3, 3] is expected", message);
        Assert.Contains("missing: blocks.3.skip.weight [16, 12, 1, 1]", message);
        Assert.DoesNotContain("missing: conv1", message);
        Assert.Contains("left over: blocks.3.conv1.bias [12]",
            Refusal(each with { Spec = spec with { Blocks = [.. spec.Blocks.SkipLast(1)] } }));
    }

    [Fact]
    public void Create_NamesOfAnotherSource_AreLeftOver()
    {
        ImportCase each = Case("jem");

        string message = Refusal(each with { Source = "igebm-pytorch" });

        Assert.Contains("left over: class_output.bias [10]", message);
        Assert.Contains("missing: head.bias [10]", message);
    }

    [Fact]
    public void Create_WeightsThatAreNotFinite_AreRefused()
    {
        var group = new CheckpointGroup();
        group.Set("layers.0.weight", new HeldTensor(SafetensorsTensor.FromFloats([1, float.NaN], [1, 2])));
        group.Set("layers.0.bias", new HeldTensor(SafetensorsTensor.FromFloats([1], [1])));
        ImportCase each = Case("plain-mlp") with { Spec = new MlpSpec([]) };

        Assert.Contains("NaN", Assert.Throws<InvalidCheckpointException>(
            () => CheckpointImport.Create(CheckpointLayout.Find(group, null), each.SourceTable, each.Descriptor)).Message);
    }

    [Theory]
    [InlineData(null, "", "a")]
    [InlineData("ema", "ema", "e")]
    public void Find_TensorsBesideDicts_TakesTheCheckpointItselfUnlessOneIsNamed(string? key, string found, string tensor)
    {
        var group = new CheckpointGroup();
        group.Set("a", new HeldTensor(SafetensorsTensor.FromFloats([1], [1])));
        group.Set("ema", Dict("e"));

        CheckpointLayout sut = CheckpointLayout.Find(group, key);

        Assert.Equal((found, tensor), (sut.Key, Assert.Single(sut.State.Keys)));
    }

    [Theory]
    [InlineData("model_state_dict")]
    [InlineData("state_dict")]
    [InlineData("model")]
    public void Find_UsualNameBesideTensors_TakesTheUsualName(string usual)
    {
        var group = new CheckpointGroup();
        group.Set("rng_state", new HeldTensor(SafetensorsTensor.FromFloats([1], [1])));
        group.Set("ema", Dict("e"));
        group.Set(usual, Dict("m"));

        CheckpointLayout sut = CheckpointLayout.Find(group, null);

        Assert.Equal((usual, "m"), (sut.Key, Assert.Single(sut.State.Keys)));
    }

    [Fact]
    public void Find_SeveralDicts_TakesTheUsualNameOrAsks()
    {
        var group = new CheckpointGroup();
        group.Set("ema", Dict("e"));
        group.Set("net", Dict("n"));

        Assert.Contains("'ema', 'net'", Assert.Throws<InvalidCheckpointException>(() => CheckpointLayout.Find(group, null)).Message);
        Assert.Contains("no dict 'x'", Assert.Throws<InvalidCheckpointException>(() => CheckpointLayout.Find(group, "x")).Message);
        group.Set("model", Dict("m"));
        Assert.Equal("model", CheckpointLayout.Find(group, null).Key);
    }

    [Fact]
    public void Read_Safetensors_IsAPlainStateDict()
    {
        using var folder = new TemporaryFolder();
        ImportCase each = Case("jem");
        IReadOnlyDictionary<string, SafetensorsTensor> weights = each.Import().Weights;
        SafetensorsFile.WriteFile(folder.File("weights.safetensors"), weights);

        CheckpointImport sut = CheckpointImport.Create(
            CheckpointLayout.Find(CheckpointLayout.Read(folder.File("weights.safetensors")), null),
            CheckpointSource.All.Single(source => source.Name == "plain"), each.Descriptor);

        Assert.All(weights, pair => Assert.Equal(pair.Value.Data.ToArray(), sut.Weights[pair.Key].Data.ToArray()));
    }

    private static string Refusal(ImportCase each) => Assert.Throws<InvalidCheckpointException>(() => each.Import()).Message;

    private static ImportCase Case(string name) => ImportCase.All.Single(each => each.Name == name);

    private static CheckpointGroup Dict(string name)
    {
        var group = new CheckpointGroup();
        group.Set(name, new HeldTensor(SafetensorsTensor.FromFloats([1], [1])));
        return group;
    }

    /// <summary>Chains whose numbers are all the chain's own number.</summary>
    private static HeldTensor Rows(int chains, long[] input)
    {
        int length = (int)input.Aggregate(1L, (product, size) => product * size);
        return new HeldTensor(SafetensorsTensor.FromFloats(
            [.. Enumerable.Range(0, chains).SelectMany(chain => Enumerable.Repeat((float)chain, length))], [chains, .. input]));
    }
}
