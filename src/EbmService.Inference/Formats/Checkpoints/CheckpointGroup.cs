namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>
/// Named values of a checkpoint: a state dict, or the dict around it. A value is a <see cref="CheckpointTensor"/>, another group,
/// or something else that a
/// model does not need (a number, a text, a list), which is null here.
/// </summary>
public sealed class CheckpointGroup
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    /// <value>In no particular order.</value>
    public IReadOnlyDictionary<string, object?> Values => _values;

    /// <value>The values that are tensors.</value>
    public IReadOnlyDictionary<string, CheckpointTensor> Tensors => _values
        .Where(pair => pair.Value is CheckpointTensor)
            .ToDictionary(pair => pair.Key, pair => (CheckpointTensor)pair.Value!, StringComparer.Ordinal);

    /// <summary>A group of the tensors of a safetensors file.</summary>
    public static CheckpointGroup FromSafetensors(SafetensorsFile file)
    {
        var group = new CheckpointGroup();
        foreach ((string name, SafetensorsTensor tensor) in file.Tensors)
            group.Set(name, new HeldTensor(tensor));
        return group;
    }

    /// <summary>As Python's dict does, a later value of a name takes the place of the earlier one.</summary>
    internal void Set(string name, object? value) => _values[name] = value is CheckpointTensor or CheckpointGroup ? value : null;
}

/// <summary>A tensor of a checkpoint whose sizes are checked and whose numbers are read when they are asked for.</summary>
public abstract class CheckpointTensor
{
    /// <value>Sizes, outermost first; empty for a scalar.</value>
    public abstract IReadOnlyList<long> Shape { get; }

    /// <summary>The elements in row-major order: F32 of every kind of float (F64 rounds), I64 of every kind of integer.</summary>
    /// <exception cref="InvalidCheckpointException">The bytes are damaged, or the tensor is over the limit on its size.</exception>
    public abstract SafetensorsTensor Read();
}

/// <summary>A tensor that is in memory already.</summary>
internal sealed class HeldTensor(SafetensorsTensor tensor) : CheckpointTensor
{
    public override IReadOnlyList<long> Shape => tensor.Shape;

    public override SafetensorsTensor Read() => tensor.Dtype switch
    {
        SafetensorsDtype.F64 => SafetensorsTensor.FromFloats(Array.ConvertAll(tensor.ToDoubles(), value => (float)value), tensor.Shape),
        SafetensorsDtype.F16 or SafetensorsDtype.BF16 => SafetensorsTensor.FromFloats(tensor.ToFloats(), tensor.Shape),
        _ => tensor,
    };
}
