using EbmService.Core.Models;
using EbmService.Inference.Data;

namespace EbmService.Inference.Training;

/// <summary>Images as training rows, scaled to the model's range when read.</summary>
public sealed class ImageTrainingData(ImageDataset images, InputSchema input) : ITrainingData
{
    private readonly float[] _table = PixelScale.Table(input.Min, input.Max);

    public int Count => images.Count;

    public int RowLength => images.ImageLength;

    public bool HasLabels => images.Labels is not null;

    public void CopyRow(int index, Span<float> destination) => PixelScale.Apply(images.Image(index), destination, _table);

    public int Label(int index) => images.Labels?[index] ?? -1;
}
