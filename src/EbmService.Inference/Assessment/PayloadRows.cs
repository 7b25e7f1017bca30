using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Picks rows of a payload.</summary>
internal static class PayloadRows
{
    public static TensorPayload Take(this TensorPayload rows, IReadOnlyList<int> indices)
    {
        int length = rows.RowLength;
        var values = new float[indices.Count * length];
        for (int i = 0; i < indices.Count; i++)
            rows.Row(indices[i]).CopyTo(values.AsSpan(i * length));
        return new TensorPayload([indices.Count, .. rows.Shape.Skip(1)], values);
    }
}
