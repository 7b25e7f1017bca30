using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Imaging;

/// <summary>Draws the weights of hidden units over an image's pixels as pictures of it.</summary>
public static class FilterGrid
{
    private const int MostOfTraining = 100;

    /// <summary>The first hidden units in a grid: each in its own range, symmetric about 0, which is the middle grey; white pulls a unit on.</summary>
    /// <param name="loaded">Of a model with filters whose visible part is an image of one or three channels.</param>
    /// <param name="count">Units at most, above 0.</param>
    /// <returns>PNG bytes, and how many units are drawn.</returns>
    /// <exception cref="ArgumentException">The model has no filters: <see cref="CapabilityRules"/> refuses it.</exception>
    public static (byte[] Png, int Units) Render(LoadedModel loaded, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = loaded.CreateEnergy(CPU);
        return Render(model as IFilterBank ?? throw new ArgumentException("the model has no filters: see CapabilityRules", nameof(loaded)), loaded.Hosted.VisibleSchema(), count);
    }

    /// <summary>Those of trained weights, a hundred at most.</summary>
    /// <param name="weights">By parameter; empty where a run kept none.</param>
    /// <returns>PNG bytes; null where there are no weights, the family has no filters, or what is visible is no picture.</returns>
    public static byte[]? Render(ModelDescriptor trained, IReadOnlyDictionary<string, SafetensorsTensor> weights)
    {
        ArchitectureSpec spec = trained.Architecture.Spec();
        InputSchema visible = trained.VisibleSchema();
        bool isPicture = visible is { Kind: InputKind.Image, Shape: [1 or 3, _, _] };
        if (weights.Count == 0 || !isPicture || !spec.Family().Capabilities(spec, trained.Input).Filters)
            return null;
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = EnergyModelFactory.Create(
            spec, weights.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor().DetachFromDisposeScope()));
        return Render((IFilterBank)model, visible, MostOfTraining).Png;
    }

    private static (byte[] Png, int Units) Render(IFilterBank model, InputSchema visible, int count)
    {
        Tensor filters = model.Filters;
        int units = (int)Math.Min(count, filters.shape[0]);
        float[][] scaled = [.. filters.narrow(0, 0, units).contiguous().data<float>().ToArray().Chunk(visible.Length()).Select(Scale)];
        byte[] png = new SkiaImageCodec().EncodeGrid(
            new TensorPayload([units, .. visible.Shape], [.. scaled.SelectMany(weights => weights)]), visible with { Min = -1, Max = 1 });
        return (png, units);
    }

    private static float[] Scale(float[] weights)
    {
        float largest = weights.Max(Math.Abs);
        return largest == 0 ? weights : [.. weights.Select(weight => weight / largest)];
    }
}
