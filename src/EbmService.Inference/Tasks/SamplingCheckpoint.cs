using System.Globalization;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tasks;

/// <summary>A block's live chains as bytes: every named tensor of the state, the generator, the step and the records.</summary>
internal static class SamplingCheckpoint
{
    private const string State = "state.";

    public static byte[] Save(ChainState state, Generator generator, SamplingRecords records)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, SafetensorsTensor> tensors = state.Tensors.ToDictionary(pair => State + pair.Key, pair => pair.Value.ToSafetensors());
        tensors["generator"] = generator.get_state().ToSafetensors();
        var metadata = new Dictionary<string, string> { ["step"] = state.Step.ToString(CultureInfo.InvariantCulture) };
        records.Save(tensors, metadata);
        return SafetensorsFile.Write(tensors, metadata);
    }

    /// <exception cref="InvalidCheckpointException">The checkpoint is of another block, or of another kernel.</exception>
    public static void Restore(SafetensorsFile file, ChainState state, Generator generator, SamplingRecords records)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out int step) || step < 0)
            throw new InvalidCheckpointException("the checkpoint has no step");
        foreach ((string name, Tensor tensor) in state.Tensors)
        {
            SafetensorsTensor stored = file[State + name];
            if (!stored.Shape.SequenceEqual(tensor.shape))
                throw new InvalidCheckpointException("the checkpoint is not of this block");
            tensor.copy_(stored.ToTensor());
        }
        generator.set_state(file["generator"].ToTensor());
        state.Step = step;
        records.Restore(file);
    }
}
