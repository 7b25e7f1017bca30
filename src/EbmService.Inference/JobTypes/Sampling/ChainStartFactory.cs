using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Buffers;
using EbmService.Inference.Models;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>Makes the rows that a block's chains begin with; what is random comes from the block's generator.</summary>
/// <param name="spec">The job.</param>
/// <param name="block">The block of it.</param>
/// <param name="model">The model.</param>
/// <param name="device">Where the rows go.</param>
internal sealed class ChainStartFactory(SamplingSpec spec, BlockPlan block, LiveModel model, Device device)
{
    private InputSchema Input => model.Descriptor.Input;

    /// <param name="generator">The block's own.</param>
    /// <param name="jobStates">The final states of the job that this one starts from, (n, ...input); null without one.</param>
    /// <param name="resumed">The points and the generator are about to be overwritten from a checkpoint: any will do.</param>
    /// <returns>Rows chain by chain, a chain's replicas side by side.</returns>
    public ChainStartPoints Create(Generator generator, TensorPayload? jobStates, bool resumed)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] labels = [.. ChainLabels.Of(spec, block).SelectMany(label => Enumerable.Repeat(label, spec.Replicas))];
        Tensor x = resumed ? ReplayBuffer.FromBase(labels.Length, Input, generator, device) : Points(labels, generator, jobStates);
        Tensor? classes = labels[0] < 0 ? null : tensor([.. labels.Select(label => (long)label)]).to(device);
        Tensor? mask = null, values = null;
        if (spec.Held is { } held)
        {
            mask = ToTensor(held.Mask, held.Mask.Shape).to(ScalarType.Bool).to(device);
            values = Dealt(held.Values);
            x = where(mask, values, x);
        }
        return new ChainStartPoints(
            x.MoveToOuterDisposeScope(), classes?.MoveToOuterDisposeScope(), mask?.MoveToOuterDisposeScope(), values?.MoveToOuterDisposeScope());
    }

    private Tensor Points(int[] labels, Generator generator, TensorPayload? jobStates) => spec.Start switch
    {
        ChainStart.Buffer when model.Buffer is { } buffer => buffer.Draw(labels, spec.FreshShare, generator).Starts,
        ChainStart.Data => Dealt(spec.Data!),
        ChainStart.Job => Dealt(Checked(jobStates)),
        _ => ReplayBuffer.FromBase(labels.Length, Input, generator, device),
    };

    private TensorPayload Checked(TensorPayload? states) => states is { Rows: > 0 } && states.Shape.Skip(1).SequenceEqual(Input.Shape)
        ? states
        : throw new FailureException(new Failure(
            FailureCode.InvalidRequest, "The samples of the job to start from don't have this model's input shape.", "Start from a job of the same model."));

    /// <summary>Chain i gets row i mod n; its replicas begin alike.</summary>
    private Tensor Dealt(TensorPayload rows)
    {
        int count = rows.Shape.Count == Input.Shape.Count ? 1 : rows.Rows;
        int length = Input.Length();
        var values = new float[block.Count * spec.Replicas * length];
        for (int row = 0; row < block.Count * spec.Replicas; row++)
        {
            int source = (block.Offset + row / spec.Replicas) % count;
            rows.Values.AsSpan(source * length, length).CopyTo(values.AsSpan(row * length));
        }
        return tensor(values, [block.Count * spec.Replicas, .. Input.Shape.Select(size => (long)size)]).to(device);
    }

    private static Tensor ToTensor(TensorPayload payload, IReadOnlyList<int> shape) =>
        tensor(payload.Values, [.. shape.Select(size => (long)size)]);
}
