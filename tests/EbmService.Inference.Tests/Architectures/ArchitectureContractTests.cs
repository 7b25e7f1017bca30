using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>The contract over all families and their examples: what the registry holds is tested here without another line.</summary>
public sealed class ArchitectureContractTests
{
    /// <value>kind/example.</value>
    public static TheoryData<string> Cases =>
        [.. ArchitectureRegistry.All.SelectMany(family => family.Examples.Select(example => $"{family.Kind}/{example.Name}"))];

    /// <value>Examples and the precisions that they compute in.</value>
    public static TheoryData<string, ScalarType, int> Computations
    {
        get
        {
            var data = new TheoryData<string, ScalarType, int>();
            foreach (IArchitecture family in ArchitectureRegistry.All)
            {
                foreach (ArchitectureExample example in family.Examples)
                {
                    foreach (SamplingPrecision precision in family.Capabilities(example.Spec, example.Input).Precisions)
                    {
                        foreach (int rows in new[] { 1, 2, 8 })
                            data.Add($"{family.Kind}/{example.Name}", precision == SamplingPrecision.Bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32, rows);
                    }
                }
            }
            return data;
        }
    }

    [Fact]
    public void Registry_Kinds_DifferAndEachHasAnExample()
    {
        Assert.Distinct(ArchitectureRegistry.All.Select(family => family.Kind));
        Assert.All(ArchitectureRegistry.All, family => Assert.NotEmpty(family.Examples));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Energy_Batch_GivesOneNumberPerRow(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example(kind), 3);

        Tensor energy = sut.Energy(x);

        Assert.Equal([x.shape[0]], energy.shape);
        Assert.Equal(ScalarType.Float64, energy.dtype);
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_Direction_MatchesTheDifferenceQuotient(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example(kind), 3);
        using var generator = new Generator(5UL);
        Tensor direction = randn(x.shape, generator: generator);
        const double Step = 1e-3;

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        // Central difference in float32: truncation O(h^2), O(h) where a rectifier's kink lies between, and rounding O(eps E / h), all below 1 % of these slopes.
        double slope = (sut.Energy(x + direction * Step) - sut.Energy(x - direction * Step)).sum().ToDouble() / (2 * Step);
        double expected = (gradient * direction).sum().ToDouble();
        Assert.Equal(expected, slope, Math.Max(0.01 * Math.Abs(expected), 2e-3));
        Assert.True(energy.eq(sut.Energy(x)).all().ToBoolean() || energy.allclose(sut.Energy(x), 1e-5, 1e-6));
        Assert.False(energy.requires_grad);
        Assert.False(gradient.requires_grad);
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_Repeated_KeepsNoTensors(string kind)
    {
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example(kind), 3);
        sut.EnergyAndGradient(x).Energy.Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 20; i++)
        {
            (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);
            energy.Dispose();
            gradient.Dispose();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Computations))]
    public void Energy_WrittenResults_LeaveInputAndParametersAlone(string kind, ScalarType precision, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example(kind);
        (IEnergyModel shared, Tensor x) = EnergyCases.Create(example, rows);
        IEnergyModel sut = EnergyCases.In(example, shared, precision);
        Tensor input = x.clone();
        Dictionary<string, Tensor> before = sut.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        Tensor expected = sut.EnergyAndGradient(x).Gradient.clone();

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);
        Tensor?[] results = [energy, gradient, sut.Energy(x), sut.Logits(x), sut.Features(x)];
        foreach (Tensor result in results.OfType<Tensor>())
            result.fill_(7);

        Assert.True(x.eq(input).all().ToBoolean());
        Assert.All(before, pair => Assert.True(sut.Parameters[pair.Key].eq(pair.Value).all().ToBoolean(), pair.Key));
        // Also the copies that a model holds.
        Assert.True(sut.EnergyAndGradient(x).Gradient.eq(expected).all().ToBoolean());
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Computations))]
    public void Energy_RowAmongStrangers_KeepsItsBits(string kind, ScalarType precision, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example(kind);
        (IEnergyModel shared, Tensor x) = EnergyCases.Create(example, rows);
        IEnergyModel sut = EnergyCases.In(example, shared, precision);
        using var generator = new Generator(9UL);
        int place = rows / 2;
        Tensor strangers = randn(x.shape, generator: generator);
        strangers[place].copy_(x[place]);

        foreach (Func<Tensor, Tensor?> compute in (Func<Tensor, Tensor?>[])
            [each => sut.Energy(each), each => sut.EnergyAndGradient(each).Energy, each => sut.EnergyAndGradient(each).Gradient, sut.Logits, sut.Features])
        {
            if (compute(x) is { } own)
                Assert.True(own[place].eq(compute(strangers)![place]).all().ToBoolean());
        }
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_AndTheForwardPassAlone_GiveTheSameBits(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example(kind), 8);

        Assert.True(sut.EnergyAndGradient(x).Energy.eq(sut.Energy(x)).all().ToBoolean());
        sut.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Spec_ThroughJson_ComesBackAndRefusesWhatItDoesNotKnow(string kind)
    {
        ArchitectureSpec spec = EnergyCases.Example(kind).Spec;
        ModelArchitecture written = spec;

        string json = JsonSerializer.Serialize(written, EbmJson.Options);
        ArchitectureSpec back = JsonSerializer.Deserialize<ModelArchitecture>(json, EbmJson.Options)!.Spec();

        Assert.IsType(spec.GetType(), back);
        Assert.Equal(json, JsonSerializer.Serialize((ModelArchitecture)back, EbmJson.Options));
        string spoilt = json.Replace("{\"kind\"", "{\"extra\":1,\"kind\"", StringComparison.Ordinal);
        InvalidModelException refusal = Assert.Throws<InvalidModelException>(() => JsonSerializer.Deserialize<ModelArchitecture>(spoilt, EbmJson.Options)!.Spec());
        Assert.Contains("extra", refusal.Message);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Capabilities_Facts_AreThoseOfTheModel(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example(kind);
        IArchitecture family = example.Spec.Family();
        (IEnergyModel model, Tensor x) = EnergyCases.Create(example, 2);

        ModelCapabilities sut = family.Capabilities(example.Spec, example.Input);

        Assert.Equal(example.Input.Variables, sut.Variables);
        Assert.Equal(model.Classes, sut.Classes);
        Assert.Equal(sut.Classes > 0 ? sut.Classes : null, model.Logits(x)?.shape[1]);
        Assert.Equal(sut.Features, model.Features(x) is not null);
        Assert.Equal(sut.BlockConditionals, model is IBlockConditionals);
        // At T = 2 the draws leave exp(-E / 2) as it is, but where hidden units are summed out.
        if (model is IBlockConditionals conditionals)
            Assert.Equal(sut.TempersHiddenUnits, !conditionals.LogDensity(x, full([2], 0.5, ScalarType.Float64), null).allclose(model.Energy(x).mul(-0.5), rtol: 1e-4));
        Assert.Equal(sut.Filters, model is IFilterBank);
        Assert.Equal(sut.Latents.Count > 0, model is ILatentModel);
        Assert.Equal(sut.Latents.Count > 0 ? sut.VisibleShape!.Aggregate(1, (product, size) => product * size) : null, (model as ILatentModel)?.VisibleLength);
        Assert.Equal(example.Input.Length(), sut.Latents.Aggregate((model as ILatentModel)?.VisibleLength ?? example.Input.Length(), (end, part) =>
            part.Offset == end ? end + part.Length : -1));
        Assert.Equal(sut.Trainable, family.Objective != TrainingObjective.None);
        // A composition has the trained parameters of its parts.
        Assert.True(!sut.Trainable || family.Shapes(example.Spec, example.Input).Parameters.Count > 0);
        Assert.NotEmpty(CapabilityRules.Kernels(sut));
        model.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Example_InARepository_IsReadyWithItsParameters(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example(kind);
        (IEnergyModel model, _) = EnergyCases.Create(example, 1);
        using var repository = new TestRepository();
        int classes = model.Classes;
        repository.WriteDescriptor(new ModelDescriptor
        {
            Name = "example", Title = kind, Architecture = example.Spec, Input = example.Input, Labels = [.. Enumerable.Range(0, classes).Select(label => $"class {label}")],
        });
        IReadOnlyDictionary<string, long[]> shapes = EnergyModelFactory.ParameterShapes(example.Spec, example.Input);
        // A composition of a network and a formula has the formula's constants beside its weights.
        Dictionary<string, Tensor> stored = model.Parameters.Where(pair => shapes.ContainsKey(pair.Key)).ToDictionary();
        ModelVersionWriter.Write(repository.Folder("example"), "1", new ModelVersionContent
        {
            Weights = stored.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
            Module = EnergyCases.Module(example),
        });

        HostedModel hosted = Assert.Single(repository.Open(allowTorchScript: true).List());

        Assert.True(hosted.State == ModelState.Ready, hosted.Reason);
        IEnumerable<Tensor> counted = example.Spec.Family().TakesModule ? model.Parameters.Values : stored.Values;
        Assert.Equal(counted.Sum(parameter => parameter.numel()), hosted.ParameterCount);
        Assert.Equal(classes, hosted.Capabilities.Classes);
        Assert.Contains(ModelTask.Sampling, hosted.Tasks);
        model.Dispose();
    }
}
