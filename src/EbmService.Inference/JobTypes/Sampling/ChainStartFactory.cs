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
    /// <param name="jobStates">A row for each chain, of the job that this one starts from; null without one.</param>
    /// <param name="resumed">The points and the generator are about to be overwritten from a checkpoint: any will do.</param>
    /// <returns>Rows chain by chain, a chain's replicas side by side.</returns>
    public ChainStartPoints Create(Generator generator, float[]? jobStates, bool resumed)
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

    private Tensor Points(int[] labels, Generator generator, float[]? jobStates) => spec.Start switch
    {
        ChainStart.Buffer when model.Buffer is { } buffer => buffer.Draw(labels, spec.FreshShare, generator).Starts,
        ChainStart.Data => spec.Data is { } data ? Dealt(data) : Replicated(jobStates!),
        ChainStart.Job => Replicated(jobStates!),
        _ => ReplayBuffer.FromBase(labels.Length, Input, generator, device),
    };

    /// <summary>Chain i of the job gets row i mod n.</summary>
    private Tensor Dealt(TensorPayload rows)
    {
        int count = rows.Shape.Count == Input.Shape.Count ? 1 : rows.Rows;
        int length = Input.Length();
        var values = new float[block.Count * length];
        for (int chain = 0; chain < block.Count; chain++)
            rows.Values.AsSpan((block.Offset + chain) % count * length, length).CopyTo(values.AsSpan(chain * length));
        return Replicated(values);
    }

    /// <summary>A chain's replicas begin alike.</summary>
    /// <param name="chains">A row for each chain.</param>
    private Tensor Replicated(float[] chains) =>
        tensor(chains, [block.Count, .. Input.Shape.Select(size => (long)size)]).to(device).repeat_interleave(spec.Replicas, dim: 0);

    private static Tensor ToTensor(TensorPayload payload, IReadOnlyList<int> shape) =>
        tensor(payload.Values, [.. shape.Select(size => (long)size)]);
}
