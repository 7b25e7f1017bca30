using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Randomness;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>One block of chains. Its generator is seeded from the job's seed and the block's index alone.</summary>
internal sealed class SamplingWorkload : IWorkload
{
    private const int PreviewChains = 16;
    private readonly SamplingSpec _spec;
    private readonly BlockPlan _block;
    private readonly LiveModel _model;
    private readonly IImageCodec _images;
    private readonly Generator _generator;
    private readonly IKernel _kernel;
    private readonly ChainState _state;
    private readonly SamplingRecords _records;

    /// <param name="jobStates">A row for each chain, of the job that this one starts from; null without one.</param>
    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public SamplingWorkload(
        JobDefinition job, BlockPlan block, LiveModel model, Device device, IImageCodec images, IJobLogs logs, ReadOnlyMemory<byte>? checkpoint,
        float[]? jobStates = null)
    {
        using DisposeScope scope = NewDisposeScope();
        var spec = (SamplingSpec)job.Spec;
        (_spec, _block, _model, _images) = (spec, block, model, images);
        _generator = new Generator(BlockSeed.Derive(spec.Seed, block.Index), device);
        try
        {
            _kernel = KernelFactory.Create(spec, model.In(spec.Precision), model.Descriptor.Input.Variables);
            _state = _kernel.Init(new ChainStartFactory(spec, block, model, device).Create(_generator, jobStates, resumed: checkpoint is not null));
            _records = new SamplingRecords(logs, job, block, model.Descriptor.Input.Length());
            if (checkpoint is { } bytes)
                SamplingCheckpoint.Restore(SafetensorsFile.Read(bytes), _state, _generator, _records);
        }
        catch
        {
            _state?.Dispose();
            _generator.Dispose();
            throw;
        }
    }

    public StepReport Advance(QuantumBudget budget)
    {
        (int Step, TensorPayload Rows)? due = null;
        int limit = Math.Min(_spec.Steps, budget.StepLimit);
        Func<bool> isSpent = () => budget.IsSpent;
        while (_state.Step < limit)
        {
            if (!_kernel.TryStep(_state, _generator, isSpent))
                break;
            _records.Record(_state);
            if (_block.Index == 0 && _spec.PreviewEvery > 0 && _state.Step % _spec.PreviewEvery == 0)
                due = (_state.Step, PreviewRows());
            if (budget.IsSpent)
                break;
        }
        // Only the latest is shown, so only it is drawn.
        PreviewFrame? preview = due is { } last ? new PreviewFrame(last.Step, _images.EncodeGrid(last.Rows, _model.Hosted.VisibleSchema())) { Rows = last.Rows } : null;
        return Report(budget.WantsStatistics) with { Preview = preview };
    }

    public byte[] Save() => SamplingCheckpoint.Save(_state, _generator, _records);

    public byte[] Finish()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = _state.X, alive = _state.Alive;
        Tensor energy = EnergyOf(x);
        Tensor sound = energy.IsSound();
        if (!sound.all().ToBoolean())
        {
            // The last step's end was not looked at yet; what goes on from a checkpoint looks at it itself.
            alive = alive.logical_and(sound);
            x = where(_state.ByChain(alive), x, _state.Safe);
            energy = EnergyOf(x);
        }
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            ["states"] = _state.Reported(x).ToSafetensors(),
            ["energy"] = _state.Reported(energy).to(ScalarType.Float32).ToSafetensors(),
            ["alive"] = _state.WholeChains(alive).ToSafetensors(),
        };
        return _records.Write(tensors, _state);
    }

    private Tensor EnergyOf(Tensor x) => new GradientPass(_model.Energy).Energy(x, _state.Labels);

    private StepReport Report(bool wantsStatistics)
    {
        bool done = _state.Step == _spec.Steps;
        Span<float> energies = stackalloc float[_block.Count];
        Span<float> norms = stackalloc float[_block.Count];
        Span<bool> alive = stackalloc bool[_block.Count];
        _state.CopyReported(_state.Energy, energies);
        _state.CopyReported(_state.GradientNorm, norms);
        _state.CopyAlive(alive);
        ChainCounts counts = ChainCounts.Of(_state, _spec.Warmup);
        var metrics = new Dictionary<string, double>
        {
            [SamplingJob.EnergyMean] = FiniteMean(energies),
            [SamplingJob.GradientNorm] = FiniteMean(norms),
            [SamplingJob.Diverged] = alive.Count(false),
        };
        AddKnown(metrics, SamplingJob.Acceptance, counts.Acceptance);
        AddKnown(metrics, SamplingJob.DivergentTransitions, counts.DivergentTransitions);
        AddKnown(metrics, SamplingJob.Ebfmi, _records.Ebfmi);
        return new StepReport(_state.Step, done)
        {
            Metrics = metrics,
            Statistics = wantsStatistics || done ? SamplingJobType.WriteSeries(_records.Series.Capture()) : null,
        };
    }

    private static void AddKnown(Dictionary<string, double> metrics, string name, double? value)
    {
        if (value is { } known)
            metrics[name] = known;
    }

    private static double FiniteMean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        int count = 0;
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                (sum, count) = (sum + value, count + 1);
        }
        return count == 0 ? 0 : sum / count;
    }

    private TensorPayload PreviewRows()
    {
        int chains = Math.Min(PreviewChains, _block.Count);
        var rows = new float[chains * _model.Descriptor.Input.Length()];
        _state.CopyReported(_state.X, rows);
        return new TensorPayload([chains, .. _model.Descriptor.Input.Shape], rows);
    }

    public void Dispose()
    {
        _state.Dispose();
        _generator.Dispose();
    }
}
