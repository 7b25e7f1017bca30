using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Composition;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Composition;

public sealed class ModelComposerTests : IDisposable
{
    private readonly TestRepository _files = new();
    private readonly LiveModelPool _pool;
    private readonly HostedModels _models;

    public ModelComposerTests()
    {
        _files.AddMlp("mlp", "1", "2");
        _files.AddJem("jem");
        _files.WriteDescriptor(TestRepository.Mlp("gauss") with { Architecture = new GaussianSpec([0, 0], [[1, 0], [0, 1]]) });
        ModelVersionWriter.Write(_files.Folder("gauss"), "1", new ModelVersionContent());
        _files.WriteDescriptor(TestRepository.Mlp("far") with { Input = new InputSchema(InputKind.Vector, [2], -9, 9) });
        ModelVersionWriter.Write(_files.Folder("far"), "1", new ModelVersionContent { Weights = TestRepository.MlpWeights() });
        (_models, _pool) = _files.Host();
    }

    public void Dispose()
    {
        _pool.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Compose_TwoModels_IsServedAndThereAfterARestartWithoutThem()
    {
        HostedModel made = Compose(Request(new CompositionTerm { Model = "mlp", Version = "1", Weight = 2 }, new CompositionTerm { Model = "gauss", Weight = -0.5 })).OrThrow();

        Assert.Equal(made.Digest, _models.Find("both").OrThrow().Digest);
        Assert.Equal((13L, ModelState.Ready), (made.ParameterCount, made.State));
        Assert.Contains("no lower bound", made.Descriptor!.Description);
        Assert.StartsWith("E(x) = 2 E[mlp](x) - 0.5 E[gauss](x)", made.Descriptor.Description);
        Assert.Contains("mlp/1 sha256:", made.Manifest!.Provenance!.Data);
        Directory.Delete(_files.Folder("mlp"), recursive: true);
        Assert.Equal(made.Digest, _files.Open().Find("both", "1").OrThrow().Digest);
    }

    [Fact]
    public void Compose_TwoLabelsOfOneVersion_HoldItsParametersOnce()
    {
        HostedModel own = _models.Find("jem").OrThrow();

        HostedModel made = Compose(Request(new CompositionTerm { Model = "jem", Label = 0 }, new CompositionTerm { Model = "jem", Weight = -0.5, Label = 1 })).OrThrow();

        Assert.Equal(own.ParameterCount, made.ParameterCount);
        Assert.Empty(made.Descriptor!.Labels);
        Assert.DoesNotContain(ModelTask.Classification, made.Tasks);
        Assert.Contains(ModelTask.OutOfDistribution, made.Tasks);
        using ModelLease lease = _pool.Lease(made);
        using ModelLease ownLease = _pool.Lease(own);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(2, 1, 3, 3);
        Tensor expected = ownLease.Model.Energy.Energy(x, zeros([2], ScalarType.Int64)) - 0.5 * ownLease.Model.Energy.Energy(x, ones([2], ScalarType.Int64));
        Assert.True(lease.Model.Energy.Energy(x).allclose(expected, 1e-10, 1e-10));
    }

    [Fact]
    public void Compose_ClassifierAndItself_ClassifiesAsAMixture()
    {
        HostedModel made = Compose(Request(new CompositionTerm { Model = "jem" }) with { Combine = CombineRule.Mixture }).OrThrow();

        Assert.Equal(["a", "b"], made.Descriptor!.Labels);
        Assert.Contains(ModelTask.Classification, made.Tasks);
    }

    [Fact]
    public void Compose_OfAComposition_IsOne()
    {
        Compose(Request(new CompositionTerm { Model = "mlp" }, new CompositionTerm { Model = "gauss" })).OrThrow();

        HostedModel made = Compose(Request(new CompositionTerm { Model = "both" }, new CompositionTerm { Model = "gauss" }) with { Name = "outer" }).OrThrow();

        Assert.Equal(13, made.ParameterCount);
    }

    [Theory]
    [InlineData("name", "name")]
    [InlineData("version", "version")]
    [InlineData("kind", "kind")]
    [InlineData("none", "terms")]
    [InlineData("17", "terms")]
    [InlineData("null", "terms[0]")]
    [InlineData("zero", "terms[1].weight")]
    [InlineData("infinite", "terms[1].weight")]
    [InlineData("negative mixture", "terms[1].weight")]
    [InlineData("unknown model", "terms[1].model")]
    [InlineData("unknown version", "terms[1].version")]
    [InlineData("shape", "terms[1].model")]
    [InlineData("range", "terms[1].model")]
    [InlineData("label out of range", "terms[0].label")]
    [InlineData("label without classes", "terms[1].label")]
    [InlineData("name of another model", "name")]
    public void Compose_BadRequest_NamesTheMemberAndWritesNothing(string what, string field)
    {
        CompositionTerm mlp = new() { Model = "mlp" };
        CompositionRequest request = what switch
        {
            "name" => Request(mlp) with { Name = "../x" },
            "version" => Request(mlp) with { Version = "a/b" },
            "kind" => Request(mlp) with { Kind = "gaussian" },
            "none" => Request(),
            "17" => Request([.. Enumerable.Repeat(mlp, 17)]),
            "null" => Request([null!]),
            "zero" => Request(mlp, mlp with { Weight = 0 }),
            "infinite" => Request(mlp, mlp with { Weight = double.PositiveInfinity }),
            "negative mixture" => Request(mlp, mlp with { Weight = -1 }) with { Combine = CombineRule.Mixture },
            "unknown model" => Request(mlp, mlp with { Model = "nobody" }),
            "unknown version" => Request(mlp, mlp with { Version = "9" }),
            "shape" => Request(mlp, new CompositionTerm { Model = "jem" }),
            "range" => Request(mlp, new CompositionTerm { Model = "far" }),
            "label out of range" => Request(new CompositionTerm { Model = "jem", Label = 2 }),
            "label without classes" => Request(mlp, mlp with { Label = 0 }),
            _ => Request(mlp) with { Name = "mlp", Version = "3" },
        };

        Failure refused = Compose(request).Failure!;

        Assert.Contains(field, refused.Fields.Select(each => each.Field));
        Assert.Equal(["far", "gauss", "jem", "mlp"], Directory.EnumerateFileSystemEntries(_files.Root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Compose_SameAgainOrNotAllowed_IsRefused()
    {
        CompositionRequest request = Request(new CompositionTerm { Model = "mlp" });
        Compose(request).OrThrow();

        Assert.Equal(FailureCode.VersionExists, Compose(request).Failure?.Code);
        Failure refused = Compose(request with { Name = "other" }, allow: false).Failure!;
        Assert.Equal(FailureCode.NotAllowed, refused.Code);
        Assert.Contains("Models:AllowComposition", refused.Remedy);
    }

    private Outcome<HostedModel> Compose(CompositionRequest request, bool allow = true) => new ModelComposer(
        _files.Open(), _models, _models, Options.Create(new ModelsOptions { AllowComposition = allow }), TimeProvider.System).Compose(request);

    private static CompositionRequest Request(params CompositionTerm[] terms) => new() { Name = "both", Terms = terms };
}
