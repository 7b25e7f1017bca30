using System.Globalization;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>A block's live chains as bytes: every named tensor of the state, the generator, the step, how far the open one is, and the records.</summary>
internal static class SamplingCheckpoint
{
    private const string State = "state.";

    public static byte[] Save(ChainState state, Generator generator, SamplingRecords records)
    {
        (Dictionary<string, SafetensorsTensor> tensors, Dictionary<string, string> metadata) = Capture(state, generator);
        records.Save(tensors, metadata);
        return SafetensorsFile.Write(tensors, metadata);
    }

    /// <summary>The chains and their generator alone.</summary>
    public static (Dictionary<string, SafetensorsTensor> Tensors, Dictionary<string, string> Metadata) Capture(ChainState state, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, SafetensorsTensor> tensors = state.Tensors.ToDictionary(pair => State + pair.Key, pair => pair.Value.ToSafetensors());
        tensors["generator"] = generator.get_state().ToSafetensors();
        var metadata = new Dictionary<string, string> { ["step"] = state.Step.ToString(CultureInfo.InvariantCulture) };
        if (state.IsStepOpen)
        {
            metadata["phase"] = state.Phase.ToString(CultureInfo.InvariantCulture);
            metadata["passRow"] = state.PassRow.ToString(CultureInfo.InvariantCulture);
        }
        return (tensors, metadata);
    }

    /// <exception cref="InvalidCheckpointException">The checkpoint is of another block, or of another kernel.</exception>
    public static void Restore(SafetensorsFile file, ChainState state, Generator generator, SamplingRecords? records = null)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        state.MoveTo(Count(file, "step"), Count(file, "phase", "0"), Count(file, "passRow", "0"));
        foreach ((string name, Tensor tensor) in state.Tensors)
        {
            SafetensorsTensor stored = file[State + name];
            if (!stored.Shape.SequenceEqual(tensor.shape))
                throw new InvalidCheckpointException("the checkpoint is not of this block");
            tensor.copy_(stored.ToTensor());
        }
        generator.set_state(file["generator"].ToTensor());
        records?.Restore(file);
    }

    private static int Count(SafetensorsFile file, string name, string? without = null) =>
        int.TryParse(file.Metadata.GetValueOrDefault(name) ?? without, CultureInfo.InvariantCulture, out int count) && count >= 0
            ? count
            : throw new InvalidCheckpointException($"the checkpoint has no {name}");
}
