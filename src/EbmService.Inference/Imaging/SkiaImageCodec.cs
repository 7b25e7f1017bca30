using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;

namespace EbmService.Inference.Imaging;

/// <summary>PNG by Skia. Stateless and thread-safe.</summary>
public sealed class SkiaImageCodec : IImageCodec
{
    /// <inheritdoc/>
    /// <remarks>Images under 64 pixels are doubled; a picture stops at 16 megapixels, with the images that fit.</remarks>
    public byte[] EncodeGrid(TensorPayload batch, InputSchema schema, int? columns = null)
    {
        if (batch.Rows == 0)
            return [];
        return (schema.Kind, schema.Shape.Count) switch
        {
            (InputKind.Image, 3) when schema.Shape[0] is 1 or 3 => ImageGrid.Encode(batch, schema, columns),
            (InputKind.Vector, 1) when schema.Shape[0] == 2 => PlanePlot.RenderPoints(batch, PlaneSquare.Of(schema)),
            _ => [],
        };
    }

    /// <inheritdoc/>
    public Outcome<TensorPayload> Decode(ReadOnlySpan<byte> png, InputSchema schema)
    {
        if (schema.Kind != InputKind.Image || schema.Shape.Count != 3 || schema.Shape[0] is not (1 or 3))
            return Refuse("this model's inputs are no images, so a PNG can't be one of them", "send numbers: JSON arrays, a base64 tensor or .npy");
        if (!PngPixels.TryReadSize(png, out (int Width, int Height) found))
            return Refuse("not a PNG file: its signature or header is missing", "send a PNG file");

        (int channels, int height, int width) = (schema.Shape[0], schema.Shape[1], schema.Shape[2]);
        string expected = $"{width}x{height}";
        if (!PngPixels.IsWithinLimit(found))
            return Refuse($"the PNG announces {found.Width}x{found.Height} pixels, over the limit of {PngPixels.MaxPixels}", $"send {expected} pixels");
        if (found != (width, height))
            return Refuse($"the PNG has {found.Width}x{found.Height} pixels, the model takes {expected}", $"resize it to {expected} pixels");
        (byte[]? pixels, string? fault) = PngPixels.Decode(png, channels, schema.BackgroundLevel());
        if (pixels is null)
            return new Failure(FailureCode.InvalidRequest, $"the PNG file {fault}");

        var values = new float[pixels.Length];
        PixelScale.Apply(pixels, values, PixelScale.Table(schema.Min, schema.Max));
        return new TensorPayload([channels, height, width], values);
    }

    private static Failure Refuse(string message, string remedy) => new(FailureCode.InvalidRequest, message, remedy);
}
