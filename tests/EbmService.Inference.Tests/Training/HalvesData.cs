using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Training;

/// <summary>Pictures of 4 x 4, dark ones of class 0 and light ones of class 1.</summary>
internal sealed class HalvesData : ITrainingData
{
    public int Count => 40;

    public int RowLength => 16;

    public bool HasLabels => true;

    public void CopyRow(int index, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (float)((index % 2 == 0 ? -0.5 : 0.5) + 0.4 * Math.Sin(1 + 7 * index + 3 * i));
    }

    public int Label(int index) => index % 2;
}
