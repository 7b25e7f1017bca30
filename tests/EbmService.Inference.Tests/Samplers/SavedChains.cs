using EbmService.Inference.Checkpoints;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>A checkpoint as the workload writes it: every tensor of the state by name, the generator and the step.</summary>
internal sealed class SavedChains
{
    private readonly Dictionary<string, SafetensorsTensor> _tensors;
    private readonly SafetensorsTensor _generator;
    private readonly int _step;

    public SavedChains(ChainState state, Generator generator)
    {
        _tensors = state.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors());
        using Tensor random = generator.get_state();
        _generator = random.ToSafetensors();
        _step = state.Step;
    }

    public void Restore(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor tensor) in state.Tensors)
            tensor.copy_(_tensors[name].ToTensor());
        generator.set_state(_generator.ToTensor());
        state.Step = _step;
    }

    /// <summary>All bytes of the state, in the order of the names.</summary>
    public static byte[] Bits(ChainState state) =>
        [.. state.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.ToSafetensors().Data.ToArray())];
}
