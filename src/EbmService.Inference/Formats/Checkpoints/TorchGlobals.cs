namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>A global that a state dict may name.</summary>
internal enum TorchGlobalKind
{
    /// <summary><c>collections.OrderedDict</c>.</summary>
    OrderedDict,

    /// <summary><c>torch.Size</c>.</summary>
    Size,

    /// <summary><c>torch._utils._rebuild_tensor_v2</c>.</summary>
    Tensor,

    /// <summary><c>torch._utils._rebuild_parameter</c>.</summary>
    Parameter,

    /// <summary><c>torch.FloatStorage</c> and its like: named, never called.</summary>
    StorageType,
}

/// <param name="Kind">What it stands for.</param>
/// <param name="Dtype">Of a storage type.</param>
internal sealed record TorchGlobal(TorchGlobalKind Kind, TorchDtype Dtype = default);

/// <summary>What the globals of a state dict mean: a fixed table. None of it is code that a file could choose.</summary>
/// <param name="archive">Where the storages are.</param>
/// <param name="prefix">Of the names of the archive's entries.</param>
internal sealed class TorchGlobals(ZipDirectory archive, string prefix)
{
    private static readonly Dictionary<string, TorchGlobal> s_known = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = new(TorchGlobalKind.OrderedDict),
        ["torch.Size"] = new(TorchGlobalKind.Size),
        ["torch._utils._rebuild_tensor_v2"] = new(TorchGlobalKind.Tensor),
        ["torch._utils._rebuild_parameter"] = new(TorchGlobalKind.Parameter),
        ["torch.DoubleStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Double),
        ["torch.FloatStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Float),
        ["torch.HalfStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Half),
        ["torch.BFloat16Storage"] = new(TorchGlobalKind.StorageType, TorchDtype.BFloat16),
        ["torch.LongStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Long),
        ["torch.IntStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Int),
        ["torch.ShortStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Short),
        ["torch.CharStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Char),
        ["torch.ByteStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Byte),
        ["torch.BoolStorage"] = new(TorchGlobalKind.StorageType, TorchDtype.Bool),
    };

    /// <exception cref="InvalidCheckpointException">It is none of the table's.</exception>
    public TorchGlobal Find(string name) => s_known.TryGetValue(name, out TorchGlobal? global)
        ? global
        : throw new InvalidCheckpointException(
            $"the pickle names the global '{CheckpointText.Printable(name)}', which no state dict needs: it is refused. "
            + "Save the state dict alone: torch.save(model.state_dict(), FILE)");

    /// <summary>What Python would make by calling the global.</summary>
    /// <exception cref="InvalidCheckpointException">The arguments are not those of a state dict.</exception>
    public object? Call(TorchGlobal global, object?[] arguments) => (global.Kind, arguments) switch
    {
        (TorchGlobalKind.OrderedDict, []) => new CheckpointGroup(),
        (TorchGlobalKind.Size, [object?[] or List<object?>]) => arguments[0],
        (TorchGlobalKind.Tensor, [TorchStorage storage, long offset, object?[] shape, object?[] strides, bool,
            CheckpointGroup { Values.Count: 0 }]) =>
            new TorchTensor(archive, storage, offset, Numbers(shape), Numbers(strides)),
        (TorchGlobalKind.Parameter, [TorchTensor tensor, bool, CheckpointGroup { Values.Count: 0 }]) => tensor,
        _ => throw new InvalidCheckpointException(
            $"the pickle calls {global.Kind} with arguments that no state dict gives it: it is refused"),
    };

    /// <summary>The storage of a persistent id ('storage', type, key, location, number of elements); of any device.</summary>
    /// <exception cref="InvalidCheckpointException">It is no such id, or the archive has no entry of that length.</exception>
    public TorchStorage Storage(object?[] id)
    {
        if (id is not ["storage", TorchGlobal { Kind: TorchGlobalKind.StorageType, Dtype: var dtype }, string key, string, long count])
            throw new InvalidCheckpointException("the pickle has a persistent id that is no storage");
        string entry = $"{prefix}data/{key}";
        long length = archive.LengthOf(entry) ?? throw new InvalidCheckpointException(
            $"the archive lacks the storage '{CheckpointText.Printable(key)}'");
        return length % TorchStorage.WidthOf(dtype) == 0 && length / TorchStorage.WidthOf(dtype) == count
            ? new TorchStorage(entry, dtype, count)
            : throw new InvalidCheckpointException(
                $"the storage '{CheckpointText.Printable(key)}' has {length} bytes, but {count} elements of type {dtype} are announced");
    }

    private static long[] Numbers(object?[] values) => Array.ConvertAll(values, value => value is long number
        ? number : throw new InvalidCheckpointException("a tensor has a size or stride that is no integer"));
}
