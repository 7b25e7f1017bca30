using EbmService.Core.Models;
using EbmService.Inference.Formats;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Buffers;

/// <summary>
/// Persistent chains of a model version (Tieleman 2008; Du and Mordatch 2019). Class-conditional models keep one segment
/// per class: slot i belongs to class i mod classes. Sampling only reads it; training writes back.
/// </summary>
public sealed class ReplayBuffer : IDisposable
{
    private readonly InputSchema _input;

    /// <param name="states">(size, ...input), owned by the buffer from now on.</param>
    /// <param name="classes">Number of segments; 0 for an unconditional buffer.</param>
    /// <param name="input">The range that fresh points are drawn from.</param>
    public ReplayBuffer(Tensor states, int classes, InputSchema input)
    {
        States = states.DetachFromDisposeScope();
        Classes = classes;
        _input = input;
    }

    /// <value>(size, ...input) float32.</value>
    public Tensor States { get; }

    public int Classes { get; }

    public int Size => (int)States.shape[0];

    /// <summary>A buffer of fresh points.</summary>
    public static ReplayBuffer Create(int size, int classes, InputSchema input, Generator generator) =>
        new(FromBase(size, input, generator), classes, input);

    /// <summary>
    /// Points of the base distribution, (count, ...input): uniform over the input range, or over the values of binary
    /// and categorical variables.
    /// </summary>
    public static Tensor FromBase(int count, InputSchema input, Generator generator, Device? device = null)
    {
        Tensor points = empty([count, .. input.Shape.Select(size => (long)size)], device: device);
        if (input.Variables == VariableKind.Continuous)
            return points.uniform_(input.Min, input.Max, generator);
        using DisposeScope scope = NewDisposeScope();
        points.uniform_(0, 1, generator);
        Tensor values = input.Variables == VariableKind.Binary
            ? points.ge(Kept(0.5)).to(ScalarType.Float32)
            : zeros_like(points).scatter_(-1, points.argmax(-1, keepdim: true), 1);
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Initial states for chains with the given labels: slots drawn with replacement, a share of them fresh.</summary>
    /// <param name="labels">A class per chain, or -1 for any.</param>
    /// <param name="freshShare">The probability that a start is drawn from the base distribution instead.</param>
    /// <param name="generator">The block's own.</param>
    /// <returns>Points (n, ...input), the slot that each came from, and whether it is a fresh point in that slot's place.</returns>
    public (Tensor Starts, long[] Slots, bool[] Fresh) Draw(IReadOnlyList<int> labels, double freshShare, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] picks = rand([labels.Count, 2], generator: generator, device: States.device).ToFloats();
        var slots = new long[labels.Count];
        var fresh = new bool[labels.Count];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = Slot(labels[i], picks[2 * i]);
            fresh[i] = picks[2 * i + 1] < freshShare;
        }
        Tensor kept = States.index_select(0, tensor(slots).to(States.device));
        Tensor drawn = FromBase(slots.Length, _input, generator, States.device);
        long[] rowShape = [slots.Length, .. _input.Shape.Select(_ => 1L)];
        return (where(tensor(fresh).to(States.device).view(rowShape), drawn, kept).MoveToOuterDisposeScope(), slots, fresh);
    }

    /// <summary>Writes chains back to the slots they came from; where two came from one slot the later row stays.</summary>
    public void Store(long[] slots, Tensor states)
    {
        using DisposeScope scope = NewDisposeScope();
        var last = new Dictionary<long, long>();
        for (int row = 0; row < slots.Length; row++)
            last[slots[row]] = row;
        Tensor rows = states.index_select(0, tensor(last.Values.ToArray()));
        States.index_copy_(0, tensor(last.Keys.ToArray()), rows);
    }

    private long Slot(int label, double pick)
    {
        if (Classes == 0 || label < 0)
            return Math.Min((long)(pick * Size), Size - 1);
        long segment = Size / Classes;
        return Math.Min((long)(pick * segment), segment - 1) * Classes + label;
    }

    public void Dispose() => States.Dispose();
}
