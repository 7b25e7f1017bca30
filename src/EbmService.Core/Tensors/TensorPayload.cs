using System.Globalization;
using System.Text.Json.Serialization;
using EbmService.Core.Json;

namespace EbmService.Core.Tensors;

/// <summary>A dense row-major float32 tensor that crosses project walls; native tensors never do.</summary>
/// <param name="Shape">Sizes, outermost first; for batches the first is the number of inputs.</param>
/// <param name="Values">All elements; its length is the product of <paramref name="Shape"/>.</param>
[JsonConverter(typeof(TensorPayloadJsonConverter))]
public sealed record TensorPayload(IReadOnlyList<int> Shape, float[] Values)
{
    /// <value>The size of the first dimension.</value>
    public int Rows => Shape.Count == 0 ? 1 : Shape[0];

    /// <value>The number of elements in one row of the first dimension.</value>
    public int RowLength => Rows == 0 ? 0 : Values.Length / Rows;

    /// <summary>The elements of one row.</summary>
    public ReadOnlySpan<float> Row(int index) => Values.AsSpan(index * RowLength, RowLength);

    /// <summary>A copy of some rows.</summary>
    public TensorPayload Slice(int first, int rows) =>
        new([rows, .. Shape.Skip(1)], Values[(first * RowLength)..((first + rows) * RowLength)]);

    /// <summary>Where an element stands, for example <c>[3][0]</c>.</summary>
    /// <param name="index">Its index among <see cref="Values"/>.</param>
    public string PathOf(int index)
    {
        string path = "";
        for (int level = Shape.Count - 1; level >= 0; level--)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"[{index % Shape[level]}]") + path;
            index /= Shape[level];
        }
        return path;
    }

    /// <summary>The product of sizes with overflow checked.</summary>
    /// <exception cref="OverflowException">The product does not fit.</exception>
    public static long ElementCount(IEnumerable<int> shape) =>
        shape.Aggregate(1L, (product, size) => checked(product * size));
}
