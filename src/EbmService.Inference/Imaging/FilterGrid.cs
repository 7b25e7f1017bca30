using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Imaging;

/// <summary>Draws the weights of hidden units over an image's pixels as pictures of it.</summary>
public static class FilterGrid
{
    /// <summary>The first hidden units in a grid: each in its own range, symmetric about 0, which is the middle grey; white pulls a unit on.</summary>
    /// <param name="loaded">Of a model with filters whose visible part is an image of one or three channels.</param>
    /// <param name="count">Units at most, above 0.</param>
    /// <returns>PNG bytes, and how many units are drawn.</returns>
    /// <exception cref="ArgumentException">The model has no filters: <see cref="CapabilityRules"/> refuses it.</exception>
    public static (byte[] Png, int Units) Render(LoadedModel loaded, int count)
    {
        InputSchema visible = loaded.Hosted.VisibleSchema();
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = loaded.CreateEnergy(CPU);
        Tensor filters = (model as IFilterBank ?? throw new ArgumentException("the model has no filters: see CapabilityRules", nameof(loaded))).Filters;
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
