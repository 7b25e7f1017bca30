using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>A checkpoint as the workload writes it: every tensor of the state by name, the generator and where in which step.</summary>
internal sealed class SavedChains
{
    private readonly Dictionary<string, SafetensorsTensor> _tensors;
    private readonly SafetensorsTensor _generator;
    private readonly (int Step, int Phase, int PassRow) _at;

    public SavedChains(ChainState state, Generator generator)
    {
        _tensors = state.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors());
        using Tensor random = generator.get_state();
        _generator = random.ToSafetensors();
        _at = (state.Step, state.Phase, state.PassRow);
    }

    public void Restore(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        state.MoveTo(_at.Step, _at.Phase, _at.PassRow);
        foreach ((string name, Tensor tensor) in state.Tensors)
            tensor.copy_(_tensors[name].ToTensor());
        generator.set_state(_generator.ToTensor());
    }

    /// <summary>All bytes of the state, in the order of the names.</summary>
    public static byte[] Bits(ChainState state) =>
        [.. state.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.ToSafetensors().Data.ToArray())];
}
