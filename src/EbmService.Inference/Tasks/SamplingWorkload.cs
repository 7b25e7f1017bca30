using System.Globalization;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Buffers;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Randomness;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tasks;

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
    private readonly ChainTrace _trace;

    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public SamplingWorkload(
        SamplingSpec spec, BlockPlan block, LiveModel model, Device device, IImageCodec images, ReadOnlyMemory<byte>? checkpoint)
    {
        using DisposeScope scope = NewDisposeScope();
        (_spec, _block, _model, _images) = (spec, block, model, images);
        _generator = new Generator(BlockSeed.Derive(spec.Seed, block.Index), device);
        try
        {
            _kernel = KernelFactory.Create(spec, model.In(spec.Precision));
            int[] labels = ChainLabels.Of(spec, block);
            Tensor? classes = labels[0] < 0 ? null : tensor([.. labels.Select(label => (long)label)]).to(device);
            _state = _kernel.Init(new ChainStartPoints(Starts(labels, device), classes));
            _trace = new ChainTrace(block.Chains, spec.Steps);
            if (checkpoint is { } bytes)
                Restore(SafetensorsFile.Read(bytes));
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
        while (_state.Step < _spec.Steps)
        {
            _kernel.Step(_state, _generator);
            _trace.Record(_state);
            if (_block.Index == 0 && _spec.PreviewEvery > 0 && _state.Step % _spec.PreviewEvery == 0)
                due = (_state.Step, PreviewRows());
            if (_state.Step >= budget.StepLimit || budget.IsSpent)
                break;
        }
        // Only the latest is shown, so only it is drawn.
        return Report(due is { } last ? new PreviewFrame(last.Step, _images.EncodeGrid(last.Rows, _model.Descriptor.Input)) : null);
    }

    public byte[] Save()
    {
        Dictionary<string, SafetensorsTensor> tensors = ResultTensors();
        using (Tensor generator = _generator.get_state())
            tensors["generator"] = generator.ToSafetensors();
        tensors["safe"] = _state.Safe.ToSafetensors();
        tensors["gradientNorm"] = _state.GradientNorm.ToSafetensors();
        return SafetensorsFile.Write(tensors, Metadata());
    }

    public byte[] Finish()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor energy = _model.Energy.Energy(_state.X, _state.Labels);
        Tensor sound = energy.isfinite();
        if (!sound.all().ToBoolean())
        {
            // The last step's end was not looked at yet.
            _state.Freeze(sound);
            energy = _model.Energy.Energy(_state.X, _state.Labels);
        }
        Dictionary<string, SafetensorsTensor> tensors = ResultTensors();
        tensors["energy"] = energy.ToSafetensors();
        return SafetensorsFile.Write(tensors, Metadata());
    }

    private Dictionary<string, SafetensorsTensor> ResultTensors()
    {
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            ["states"] = _state.X.ToSafetensors(),
            ["energy"] = _state.Energy.ToSafetensors(),
            ["alive"] = _state.Alive.ToSafetensors(),
        };
        _trace.Save(tensors);
        return tensors;
    }

    private Dictionary<string, string> Metadata() => new() { ["step"] = _state.Step.ToString(CultureInfo.InvariantCulture) };

    private void Restore(SafetensorsFile file)
    {
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out int step)
            || !file["states"].Shape.SequenceEqual(_state.X.shape))
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        _state.X.copy_(file["states"].ToTensor());
        // Files of earlier builds have none.
        _state.Safe.copy_((file.Tensors.GetValueOrDefault("safe") ?? file["states"]).ToTensor());
        _state.Energy.copy_(file["energy"].ToTensor());
        _state.GradientNorm.copy_(file["gradientNorm"].ToTensor());
        _state.Alive.copy_(file["alive"].ToTensor());
        _generator.set_state(file["generator"].ToTensor());
        _state.Step = step;
        _trace.Restore(file);
    }

    private Tensor Starts(int[] labels, Device device)
    {
        if (_spec.Start == ChainStart.Buffer && _model.Buffer is { } buffer)
            return buffer.Draw(labels, _spec.FreshShare, _generator).Starts;
        return ReplayBuffer.FromBase(labels.Length, _model.Descriptor.Input, _generator, device);
    }

    private StepReport Report(PreviewFrame? preview)
    {
        Span<float> energies = stackalloc float[_block.Chains];
        Span<float> norms = stackalloc float[_block.Chains];
        _state.Energy.CopyTo(energies);
        _state.GradientNorm.CopyTo(norms);
        return new StepReport(_state.Step, _state.Step == _spec.Steps)
        {
            EnergyMean = FiniteMean(energies),
            GradientNorm = FiniteMean(norms),
            Diverged = _block.Chains - CountAlive(),
            Preview = preview,
        };
    }

    private int CountAlive()
    {
        int alive = 0;
        using Tensor onHost = _state.Alive.cpu();
        foreach (byte flag in onHost.bytes)
            alive += flag;
        return alive;
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
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = _state.X.narrow(0, 0, Math.Min(PreviewChains, _block.Chains));
        return new TensorPayload([.. rows.shape.Select(size => (int)size)], rows.ToFloats());
    }

    public void Dispose()
    {
        _state.Dispose();
        _generator.Dispose();
    }
}
