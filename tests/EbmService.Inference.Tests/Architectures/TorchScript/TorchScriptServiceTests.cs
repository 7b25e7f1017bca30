using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using EbmService.Inference.Queries;
using EbmService.Inference.Tests.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures.TorchScript;

/// <summary>A TorchScript classifier in a repository: queries, a calibration, and the copy that bfloat16 chains walk on.</summary>
public sealed class TorchScriptServiceTests : IDisposable
{
    private static readonly ModelKey Key = new("classifier", "1");
    private readonly TemporaryFolder _folder = new();
    private readonly ModelRepository _repository;
    private readonly LiveModelPool _pool;

    public TorchScriptServiceTests()
    {
        TestModels.Write(_folder.Path, Key.Name, "torchscript/classifier", calibration: [-3, -2, -1, 0, 1, 2, 3, 4, 5]);
        IOptions<ModelsOptions> options = Options.Create(new ModelsOptions { Path = _folder.Path, AllowTorchScript = true });
        _repository = new ModelRepository(options, NullLogger<ModelRepository>.Instance);
        _pool = new LiveModelPool(_repository, new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" })), options);
    }

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Evaluate_EnergyWithGradients_IsPyTorchs()
    {
        QueryAnswer answer = Ask(Inputs(0, 5), QueryKind.Energy, gradients: true);

        Assert.Equal(Floats("energies"), answer.Energies, (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(Floats("gradients"), answer.Gradients!.Values, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Theory]
    [InlineData(QueryKind.Energy)]
    [InlineData(QueryKind.Classification)]
    [InlineData(QueryKind.OutOfDistribution)]
    public void Evaluate_RowWhateverItCameWith_HasTheSameBits(QueryKind kind)
    {
        set_num_threads(1);

        QueryAnswer whole = Cut(0, 5);
        QueryAnswer parts = QueryAnswer.Join([Cut(0, 2), Cut(2, 1), Cut(3, 2)]);

        Assert.Equal(whole.Energies, parts.Energies);
        Assert.Equal(whole.Gradients?.Values, parts.Gradients?.Values);
        Assert.Equal(whole.Probabilities?.Values, parts.Probabilities?.Values);
        Assert.Equal(whole.PValues, parts.PValues);
        Assert.Equal(kind == QueryKind.OutOfDistribution, whole.PValues is not null);

        QueryAnswer Cut(int first, int count) => Ask(Inputs(first, count), kind, gradients: kind == QueryKind.Energy);
    }

    [Fact]
    public void Recalibrate_Module_ScoresRowsAsQueriesDo()
    {
        var data = new Rows(Floats("inputs"));

        IReadOnlyDictionary<string, float[]> scores = TrainedVersionFactory.Recalibrate(
            _repository.Load(Key).OrThrow(), data, [0, 1, 2, 3, 4]).Scores;

        Assert.Equal(
            Floats("energies").Select(energy => -energy).Order(), scores[OodScorer.LogDensity].Order(),
            (a, b) => Math.Abs(a - b) < 1e-5);
    }

    /// <summary>What a trial finds out is the number of parameters; it costs four loads of the module.</summary>
    [Fact]
    public void Load_ModuleThatTheScanTriedOut_IsNotTriedOutAgain()
    {
        HostedModel found = _repository.Find(Key.Name).OrThrow();

        LoadedModel same = _repository.Load(found with { ParameterCount = -1 }).OrThrow();
        HostedModel read = Assert.Single(_repository.Read(Key.Name));

        Assert.Equal(-1, same.Hosted.ParameterCount);
        Assert.Equal(found.ParameterCount, read.ParameterCount);
    }

    [Fact]
    public void In_Bfloat16_IsAConvertedCopyNearTheOriginal()
    {
        using DisposeScope scope = NewDisposeScope();
        using ModelLease lease = _pool.Lease(Key);
        Tensor x = TorchScriptFixtures.Numbers("classifier-inputs.npy");

        IEnergyModel sut = lease.Model.In(SamplingPrecision.Bfloat16);

        Assert.All(sut.Parameters, pair => Assert.Equal(
            pair.Key == "norm.num_batches_tracked" ? ScalarType.Int64 : ScalarType.BFloat16, pair.Value.dtype));
        Tensor coarse = sut.EnergyAndGradient(x).Gradient, exact = lease.Model.Energy.EnergyAndGradient(x).Gradient;
        Assert.InRange(GradientCase.Distance(coarse, exact), 1e-5, 0.03);
    }

    [Fact]
    public void Lease_FiftyLoads_KeepsNoTensors()
    {
        _pool.Lease(Key).Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        ArchitectureExample example = EnergyCases.Example("torchscript/classifier");

        for (int i = 0; i < 50; i++)
            EnergyModelFactory.Load(example.Spec, example.Input, EnergyCases.Module(example)!, ScalarType.Float32, CPU).Dispose();

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static TensorPayload Inputs(int first, int count) =>
        NpyFormat.Read(TorchScriptFixtures.Bytes("classifier-inputs.npy")).Slice(first, count);

    private static float[] Floats(string what) => NpyFormat.Read(TorchScriptFixtures.Bytes($"classifier-{what}.npy")).Values;

    private QueryAnswer Ask(TensorPayload inputs, QueryKind kind, bool gradients) => new QueryEvaluator(_pool).Evaluate(
        [new ModelQuery { Model = Key, Kind = kind, Inputs = inputs, Gradients = gradients, Alpha = 0.5 }])[0].OrThrow();

    private sealed class Rows(float[] values) : ITrainingData
    {
        public int Count => values.Length / RowLength;

        public int RowLength => 64;

        public bool HasLabels => false;

        public void CopyRow(int index, Span<float> destination) => values.AsSpan(index * RowLength, RowLength).CopyTo(destination);

        public int Label(int index) => -1;
    }
}
