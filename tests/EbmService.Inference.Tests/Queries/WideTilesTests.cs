using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;
using EbmService.Inference.Queries;
using EbmService.Inference.Tests.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Queries;

public sealed class WideTilesTests
{
    private const int Rows = 2 * WideTiles.Rows + ModelQuery.TileRows + 3;

    [Theory]
    [InlineData(QueryKind.Energy, false)]
    [InlineData(QueryKind.Energy, true)]
    [InlineData(QueryKind.OutOfDistribution, false)]
    public void Pass_RowsOfOneBitWhateverTheTile_GoInWideTilesAndTheRestInUsualOnes(QueryKind kind, bool gradients)
    {
        using var energy = new ElementwiseEnergy();

        QueryPass sut = Run(energy, kind, gradients);

        Assert.Equal([WideTiles.Rows, WideTiles.Rows, ModelQuery.TileRows, ModelQuery.TileRows], energy.Tiles);
        Assert.Equal(Enumerable.Range(0, Rows).Select(row => 2f * row * row), kind == QueryKind.Energy ? sut.Energies : sut.Scores["logDensity"].Select(score => -score));
    }

    [Theory]
    [InlineData(Batch.EnergyOfWide)]
    [InlineData(Batch.GradientOfWide)]
    public void Pass_BitsThatDependOnTheTile_GoInUsualTilesAlone(Batch fault)
    {
        using var energy = new ElementwiseEnergy(fault);

        QueryPass sut = Run(energy, QueryKind.Energy, gradients: true);

        Assert.Equal(Enumerable.Repeat((long)ModelQuery.TileRows, 10), energy.Tiles);
        Assert.Equal(Enumerable.Range(0, Rows).Select(row => 2f * row * row), sut.Energies);
    }

    [Fact]
    public void Pass_EnergiesAlone_NeedNoEqualGradients()
    {
        using var energy = new ElementwiseEnergy(Batch.GradientOfWide);

        Run(energy, QueryKind.Energy, gradients: false);

        Assert.Equal(WideTiles.Rows, energy.Tiles[0]);
    }

    [Fact]
    public void RowsFor_Refinement_StaysUsual()
    {
        using var energy = new ElementwiseEnergy();

        Assert.Equal(ModelQuery.TileRows, new WideTiles(energy, Input, CPU).RowsFor(Query(QueryKind.Classification, false) with { RefineSteps = 1 }));
    }

    [Fact]
    public void RowsFor_AfterAFailedTrial_TriesAgain()
    {
        using var energy = new ElementwiseEnergy { IsShortOfMemory = true };
        var sut = new WideTiles(energy, Input, CPU);
        ModelQuery query = Query(QueryKind.Energy, false);

        Assert.Throws<OutOfMemoryException>(() => sut.RowsFor(query));
        energy.IsShortOfMemory = false;

        Assert.Equal(WideTiles.Rows, sut.RowsFor(query));
    }

    private static InputSchema Input => new(InputKind.Vector, [2], -2, 2);

    private static ModelQuery Query(QueryKind kind, bool gradients) => new()
    {
        Model = new("m", "1"), Kind = kind, Gradients = gradients,
        Inputs = new TensorPayload([Rows, 2], [.. Enumerable.Range(0, Rows).SelectMany(row => new float[] { row, -row })]),
    };

    private static QueryPass Run(ElementwiseEnergy energy, QueryKind kind, bool gradients)
    {
        var descriptor = new ModelDescriptor
        {
            Name = "m", Title = "m", Architecture = EnergyCases.Describe("gaussian").Spec, Input = Input, Labels = [],
        };
        var hosted = new HostedModel { Key = new("m", "1"), State = ModelState.Ready, Descriptor = descriptor };
        using var model = new LiveModel(hosted, energy, CPU, null, null);
        ModelQuery query = Query(kind, gradients);
        var pass = new QueryPass(model, query, null);
        // The trial asks too.
        model.Tiles.RowsFor(query);
        energy.Tiles.Clear();
        pass.Add(query.Inputs);
        pass.Run();
        return pass;
    }

    public enum Batch
    {
        Sound,
        EnergyOfWide,
        GradientOfWide,
    }

    /// <summary>E = |x|^2; with a fault, a batch of more than eight rows gives the last row another last bit.</summary>
    private sealed class ElementwiseEnergy(Batch fault = Batch.Sound) : IEnergyModel
    {
        public List<long> Tiles { get; } = [];

        public bool IsShortOfMemory { get; set; }

        public IReadOnlyDictionary<string, Tensor> Parameters { get; } = new Dictionary<string, Tensor>();

        public int Classes => 0;

        public Tensor Energy(Tensor x, Tensor? labels = null)
        {
            if (IsShortOfMemory)
                throw new OutOfMemoryException("not now");
            Tiles.Add(x.shape[0]);
            return Other(x.to(ScalarType.Float64).square().sum(1), Batch.EnergyOfWide);
        }

        public (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null) =>
            (Energy(x), Other(x * 2, Batch.GradientOfWide));

        public Tensor? Logits(Tensor x) => null;

        public Tensor? Features(Tensor x) => null;

        public void Dispose()
        {
        }

        private Tensor Other(Tensor values, Batch when)
        {
            if (fault == when && values.shape[0] > ModelQuery.TileRows)
                values[-1].mul_(1 + 1e-7);
            return values;
        }
    }
}
