using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Tensors;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>
/// Of pictures a row for each of the first inputs: damaged, the mean, some samples, the standard deviation (white: half the range or more), and the truth where it is known.
/// Of points of the plane the samples of all those inputs.
/// </summary>
internal sealed class RestorationPicture(RestorationSpec spec, InputSchema input, IImageCodec images)
{
    private const int MaxInputs = 16;
    private const int MaxSamples = 3;

    private readonly int _length = input.Length();

    /// <returns>PNG; empty where such inputs can't be drawn or none was reached.</returns>
    public byte[] Draw(IEnumerable<RestoredBlock> blocks)
    {
        bool isPicture = input is { Kind: InputKind.Image, Shape.Count: 3 };
        var cells = new List<float[]>();
        int drawn = 0, columns = 1;
        foreach (RestoredBlock block in blocks)
        {
            int inputs = Math.Min(Math.Clamp(spec.Count - block.Block.Offset, 0, block.Block.Count), MaxInputs - drawn);
            if (inputs <= 0)
                break;
            drawn += inputs;
            float[] samples = block.Floats(RestoredBlock.Samples);
            if (!isPicture)
            {
                cells.AddRange(samples.AsSpan(0, inputs * spec.Samples * _length).ToArray().Chunk(_length));
                continue;
            }
            for (int item = 0; item < inputs; item++)
            {
                float[][] row = [.. Row(block, item, samples)];
                columns = row.Length;
                cells.AddRange(row);
            }
        }
        return cells.Count == 0 ? []
            : images.EncodeGrid(new TensorPayload([cells.Count, .. input.Shape], [.. cells.SelectMany(cell => cell)]), input, isPicture ? columns : null);
    }

    private IEnumerable<float[]> Row(RestoredBlock block, int item, float[] samples)
    {
        float[] Of(string name) => block.Floats(name)[(item * _length)..((item + 1) * _length)];
        if (spec.Damage.Kind != DamageKind.Matrix)
        {
            float[] observed = block.Floats(RestoredBlock.Observed);
            int width = observed.Length / block.Block.Count;
            yield return RestorationErrors.BroughtBack(spec.Damage, input, observed[(item * width)..((item + 1) * width)]);
        }
        yield return Of(RestoredBlock.Mean);
        for (int sample = 0; sample < Math.Min(MaxSamples, spec.Samples); sample++)
            yield return samples.AsSpan((item * spec.Samples + sample) * _length, _length).ToArray();
        double range = input.Max - input.Min;
        yield return Array.ConvertAll(Of(RestoredBlock.Deviation), value => (float)(input.Min + Math.Min(range, 2 * value)));
        if (spec.Truth is not null)
            yield return Of(RestoredBlock.Truth);
    }
}
