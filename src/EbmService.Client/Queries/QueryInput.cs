using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using EbmService.Core.Tensors;

namespace EbmService.Client;

/// <summary>The inputs of a short query, which travel as bytes. Immutable; may be used for several queries.</summary>
public abstract class QueryInput
{
    private QueryInput()
    {
    }

    /// <summary>Numbers as they are, in the model's range.</summary>
    /// <param name="values">All elements, row-major.</param>
    /// <param name="shape">The number of inputs, then the model's shape.</param>
    public static QueryInput FromValues(ReadOnlyMemory<float> values, params IReadOnlyList<int> shape)
    {
        Check(values.Length, shape);
        return new Array(NpyDtype.Float32, [.. shape], () => MemoryMarshal.AsBytes(values.Span));
    }

    /// <summary>Of image models the pixel levels, 0 to 255, which the service maps to the model's range; of others the numbers 0 to
    /// 255.</summary>
    /// <param name="levels">All elements, row-major.</param>
    /// <param name="shape">The number of inputs, then the model's shape.</param>
    public static QueryInput FromLevels(ReadOnlyMemory<byte> levels, params IReadOnlyList<int> shape)
    {
        Check(levels.Length, shape);
        return new Array(NpyDtype.Uint8, [.. shape], () => levels.Span);
    }

    /// <summary>Rows of numbers: [n, ...model shape].</summary>
    public static QueryInput FromTensor(TensorPayload tensor) => FromValues(tensor.Values, tensor.Shape);

    /// <summary>PNG files, one input each, for image models.</summary>
    public static QueryInput FromPng(params IReadOnlyList<ReadOnlyMemory<byte>> files) => new Pictures(files);

    /// <summary>A .npy file as it is.</summary>
    public static QueryInput FromNpy(ReadOnlyMemory<byte> file) => new File(file);

    public static implicit operator QueryInput(TensorPayload tensor) => FromTensor(tensor);

    internal abstract HttpContent ToContent();

    private static void Check(int count, IReadOnlyList<int> shape)
    {
        if (shape.Any(size => size < 0) || TensorPayload.ElementCount(shape) != count)
            throw new ArgumentException($"the shape [{string.Join(", ", shape)}] does not hold {count} elements", nameof(shape));
    }

    private static ByteArrayContent Npy(byte[] file) => new(file) { Headers = { ContentType = new MediaTypeHeaderValue(NpyFormat.MediaType) } };

    private delegate ReadOnlySpan<byte> ByteSource();

    private sealed class Array(NpyDtype dtype, IReadOnlyList<int> shape, ByteSource bytes) : QueryInput
    {
        internal override HttpContent ToContent() => Npy([.. NpyFormat.Header(dtype, shape), .. bytes()]);
    }

    private sealed class File(ReadOnlyMemory<byte> file) : QueryInput
    {
        internal override HttpContent ToContent() => Npy(file.ToArray());
    }

    private sealed class Pictures(IReadOnlyList<ReadOnlyMemory<byte>> files) : QueryInput
    {
        internal override HttpContent ToContent()
        {
            var form = new MultipartFormDataContent();
            for (int i = 0; i < files.Count; i++)
            {
                form.Add(new ReadOnlyMemoryContent(files[i]) { Headers = { ContentType = new MediaTypeHeaderValue("image/png") } },
                    "files", $"{i}.png");
            }
            return form;
        }
    }
}
