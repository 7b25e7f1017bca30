using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Imaging;

/// <summary>PNG in and out. Thread-safe.</summary>
public interface IImageCodec
{
    /// <summary>Draws a batch as one picture: images in a grid row by row, 2-D vectors as a scatter plot.</summary>
    /// <param name="batch">(n, channels, height, width) or (n, 2), values in the schema's range; or longer flat rows that begin with these numbers.</param>
    /// <param name="columns">Images per row of the grid; null for the nearest square.</param>
    /// <returns>PNG bytes; empty where such inputs can't be drawn (vectors of other than two dimensions).</returns>
    byte[] EncodeGrid(TensorPayload batch, InputSchema schema, int? columns = null);

    /// <summary>Reads one picture into one input, scaled to the schema's range; the header is checked before anything is decoded.</summary>
    /// <returns>Values of the schema's shape, or <see cref="FailureCode.InvalidRequest"/> with what was expected.</returns>
    Outcome<TensorPayload> Decode(ReadOnlySpan<byte> png, InputSchema schema);
}
