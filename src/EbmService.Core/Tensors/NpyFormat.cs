using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace EbmService.Core.Tensors;

/// <summary>
/// NumPy's .npy format, versions 1 to 3: writes little-endian float32 in
/// C order, reads every plain number type in either order.
/// </summary>
/// <remarks>https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html</remarks>
public static class NpyFormat
{
    public const string MediaType = "application/x-npy";

    /// <summary>The most bytes that come before the numbers.</summary>
    public const int HeaderBytes = NpyHeader.MaxLength + 12;

    /// <summary>Encodes a float32 tensor; the header is padded to a multiple of 64 bytes as NumPy does.</summary>
    public static byte[] Write(TensorPayload tensor)
    {
        byte[] header = Header(NpyDtype.Float32, tensor.Shape);
        return [.. header, .. MemoryMarshal.AsBytes(tensor.Values.AsSpan())];
    }

    /// <summary>The header of a file whose numbers come behind it, in C order.</summary>
    /// <param name="dtype">float32 or uint8.</param>
    /// <param name="bytes">The least length, for a header that is written before all sizes are known; a multiple of 64.</param>
    public static byte[] Header(NpyDtype dtype, IReadOnlyList<int> shape, int bytes = 64)
    {
        string dimensions = string.Concat(shape.Select(size => size.ToString(CultureInfo.InvariantCulture) + ", "));
        string sizes = shape.Count == 1 ? dimensions.TrimEnd(' ') : dimensions.TrimEnd(',', ' ');
        string header = $"{{'descr': '{(dtype.IsUint8 ? "|u1" : "<f4")}', 'fortran_order': False, 'shape': ({sizes}), }}";
        int total = Math.Max((10 + header.Length + 1 + 63) / 64 * 64, bytes);
        var written = new byte[total];
        NpyHeader.Magic.CopyTo(written);
        written[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(written.AsSpan(8), (ushort)(total - 10));
        Encoding.ASCII.GetBytes(header.PadRight(total - 11) + "\n", written.AsSpan(10));
        return written;
    }

    /// <summary>Decodes a file held in memory to float32 in C order, whatever the file's order.</summary>
    /// <exception cref="FormatException">The bytes are no .npy file of a supported kind; the message says what is wrong.</exception>
    public static TensorPayload Read(ReadOnlySpan<byte> bytes) => Read(bytes, out _);

    /// <summary>As <see cref="Read(ReadOnlySpan{byte})"/>; the header tells what the numbers were, for example pixel levels.</summary>
    /// <exception cref="FormatException">The bytes are no .npy file of a supported kind; the message says what is wrong.</exception>
    public static TensorPayload Read(ReadOnlySpan<byte> bytes, out NpyHeader header)
    {
        header = NpyHeader.Read(bytes);
        ReadOnlySpan<byte> data = bytes[header.DataStart..];
        long count = TensorPayload.ElementCount(header.Shape);
        int width = header.Dtype.Width;
        if (count > int.MaxValue / width || count * width != data.Length)
            throw new FormatException($"the shape asks for {count} elements of {width} bytes, but {data.Length} bytes follow the header");
        var values = new float[count];
        if (header.Dtype == NpyDtype.Float32)
            MemoryMarshal.Cast<byte, float>(data).CopyTo(values);
        else
            header.Dtype.Convert(data, values);
        return new TensorPayload(header.Shape, header.FortranOrder ? ToRowMajor(values, header.Shape) : values);
    }

    private static float[] ToRowMajor(float[] values, IReadOnlyList<int> shape)
    {
        var ordered = new float[values.Length];
        var index = new int[shape.Count];
        foreach (float value in values)
        {
            int at = 0;
            for (int level = 0; level < index.Length; level++)
                at = at * shape[level] + index[level];
            ordered[at] = value;
            for (int level = 0; level < index.Length && ++index[level] == shape[level]; level++)
                index[level] = 0;
        }
        return ordered;
    }
}

/// <summary>
/// The header of a .npy file: a Python dictionary literal with exactly the keys descr,
/// fortran_order and shape, in any order, with any blanks and either quote. What numpy itself
/// would not write or read, and what this reader does not know, is refused, never guessed.
/// </summary>
/// <param name="Dtype">The element type.</param>
/// <param name="FortranOrder">Whether the first index varies fastest.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar. Their product is known to fit 63 bits.</param>
/// <param name="DataStart">The offset of the first element.</param>
/// <remarks>https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: versions 1, 2 and 3 (UTF-8).</remarks>
public sealed record NpyHeader(NpyDtype Dtype, bool FortranOrder, IReadOnlyList<int> Shape, int DataStart)
{
    internal const int MaxLength = 64 * 1024;
    private const int MaxDimensions = 32;

    internal static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads the header of a file's first bytes; <see cref="NpyFormat.HeaderBytes"/> of them are enough.</summary>
    /// <exception cref="FormatException">The message says what is wrong.</exception>
    public static NpyHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 10 || !bytes[..6].SequenceEqual(Magic))
            throw new FormatException("not a .npy file: the magic string is missing");
        (int major, int minor) = (bytes[6], bytes[7]);
        if (major is < 1 or > 3 || minor != 0)
            throw new FormatException($"the .npy version {major}.{minor} is not known: 1.0, 2.0 and 3.0 are");
        int start = major == 1 ? 10 : 12;
        uint length = bytes.Length < start ? uint.MaxValue
            : major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (length > MaxLength || start + length > bytes.Length)
            throw new FormatException("the .npy header is longer than the file or than 64 KiB");
        Encoding encoding = major == 3 ? Encoding.UTF8 : Encoding.Latin1;
        return new Literal(encoding.GetString(bytes.Slice(start, (int)length))).ReadHeader(start + (int)length);
    }

    /// <summary>
    /// Whether a file of so many bytes holds exactly its numbers, float32 in C order: then each row lies at a known place.
    /// </summary>
    public bool IsPlain(long fileBytes) =>
        Dtype == NpyDtype.Float32 && !FortranOrder && (fileBytes - DataStart) / (double)sizeof(float) == TensorPayload.ElementCount(Shape);

    /// <summary>Reads the subset of Python's literals that the header consists of.</summary>
    private ref struct Literal(string text)
    {
        private int _at;

        internal NpyHeader ReadHeader(int dataStart)
        {
            NpyDtype? dtype = null;
            bool? fortran = null;
            int[]? shape = null;
            Expect('{');
            while (!TryTake('}'))
            {
                string key = ReadString();
                Expect(':');
                switch (key)
                {
                    case "descr" when dtype is null: dtype = ReadDtype(); break;
                    case "fortran_order" when fortran is null: fortran = ReadBoolean(); break;
                    case "shape" when shape is null: shape = ReadShape(); break;
                    case "descr" or "fortran_order" or "shape": throw new FormatException($"the .npy header has '{key}' twice");
                    default: throw new FormatException($"the .npy header has the unknown key '{key}'");
                }
                if (!TryTake(','))
                {
                    Expect('}');
                    break;
                }
            }
            if (!IsAtEnd())
                throw Unexpected("the end of the header");
            string? missing = dtype is null ? "descr" : fortran is null ? "fortran_order" : shape is null ? "shape" : null;
            return missing is null
                ? new NpyHeader(dtype!.Value, fortran!.Value, shape!, dataStart)
                : throw new FormatException($"the .npy header lacks '{missing}'");
        }

        private NpyDtype ReadDtype()
        {
            SkipBlanks();
            if (_at < text.Length && text[_at] is '[' or '(')
                throw new FormatException("structured and sub-array dtypes are not supported: save one plain array");
            return NpyDtype.Parse(ReadString());
        }

        private bool ReadBoolean()
        {
            SkipBlanks();
            int start = _at;
            while (_at < text.Length && char.IsAsciiLetter(text[_at]))
                _at++;
            return text[start.._at] switch
            {
                "True" => true,
                "False" => false,
                _ => throw new FormatException("the .npy header's 'fortran_order' is neither True nor False"),
            };
        }

        private int[] ReadShape()
        {
            var shape = new List<int>();
            Expect('(');
            bool comma = true;
            while (!TryTake(')'))
            {
                if (!comma || shape.Count == MaxDimensions)
                    throw new FormatException($"the .npy header's 'shape' is no tuple of at most {MaxDimensions} sizes");
                shape.Add(ReadSize());
                comma = TryTake(',');
            }
            // (3) is a number in Python, (3,) a tuple; a comma alone is nothing.
            if (shape.Count == 1 && !comma)
                throw new FormatException("the .npy header's 'shape' is a number, not a tuple");
            try
            {
                TensorPayload.ElementCount(shape);
            }
            catch (OverflowException)
            {
                throw new FormatException("the .npy shape overflows");
            }
            return [.. shape];
        }

        private int ReadSize()
        {
            SkipBlanks();
            int start = _at;
            while (_at < text.Length && char.IsAsciiDigit(text[_at]))
                _at++;
            string digits = text[start.._at];
            // Python 2 wrote long integers.
            if (digits.Length > 0 && _at < text.Length && text[_at] == 'L')
                _at++;
            bool isNumber = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
                && (digits.Length == 1 || digits[0] != '0');
            return isNumber ? size : throw new FormatException($"the .npy shape has a size that is no 32-bit number: '{Rest(start)}'");
        }

        private string ReadString()
        {
            SkipBlanks();
            if (_at < text.Length && text[_at] is 'u' or 'U')
                _at++;
            if (_at >= text.Length || text[_at] is not ('\'' or '"'))
                throw Unexpected("a string");
            char quote = text[_at++];
            int end = text.IndexOf(quote, _at);
            string value = end < 0 ? throw Unexpected("the end of a string") : text[_at..end];
            _at = end + 1;
            return value.AsSpan().ContainsAny('\\', '\n') || (value.Length == 0 && _at < text.Length && text[_at] == quote)
                ? throw new FormatException("the .npy header has a string with escapes or line breaks: they are not read")
                : value;
        }

        private void Expect(char wanted)
        {
            if (!TryTake(wanted))
                throw Unexpected($"'{wanted}'");
        }

        private bool TryTake(char wanted)
        {
            SkipBlanks();
            if (_at >= text.Length || text[_at] != wanted)
                return false;
            _at++;
            return true;
        }

        private bool IsAtEnd()
        {
            SkipBlanks();
            return _at == text.Length;
        }

        private void SkipBlanks()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r' or '\f')
                _at++;
        }

        private readonly string Rest(int from) => text.Substring(from, Math.Min(12, text.Length - from)).TrimEnd();

        private readonly FormatException Unexpected(string wanted) => new(_at < text.Length
            ? $"the .npy header can't be read at '{Rest(_at)}': {wanted} is expected"
            : $"the .npy header ends where {wanted} is expected");
    }
}

/// <summary>A plain number type of a .npy file: floats (2, 4, 8 bytes), signed and unsigned integers (1, 2, 4, 8) and booleans.</summary>
/// <param name="Kind"><c>f</c>, <c>i</c>, <c>u</c> or <c>b</c>, as NumPy names them.</param>
/// <param name="Width">Bytes per element.</param>
/// <param name="BigEndian">False for single bytes.</param>
public readonly record struct NpyDtype(char Kind, int Width, bool BigEndian)
{
    /// <value>float32, little-endian: what this product writes.</value>
    public static NpyDtype Float32 { get; } = new('f', 4, BigEndian: false);

    /// <value>Bytes 0 to 255.</value>
    public static NpyDtype Uint8 { get; } = new('u', 1, BigEndian: false);

    /// <value>Whether these are bytes 0 to 255: pixel levels for image models.</value>
    public bool IsUint8 => this is { Kind: 'u', Width: 1 };

    /// <summary>Reads a <c>descr</c> such as <c>&lt;f4</c>, <c>&gt;i8</c> or <c>|u1</c>.</summary>
    /// <exception cref="FormatException">The type or its byte order is not known.</exception>
    public static NpyDtype Parse(string descr)
    {
        bool hasOrder = descr is ['<' or '>' or '|' or '=', ..];
        int width = descr[(hasOrder ? 1 : 0)..] switch
        {
            "b1" or "i1" or "u1" => 1,
            "i2" or "u2" or "f2" => 2,
            "i4" or "u4" or "f4" => 4,
            "i8" or "u8" or "f8" => 8,
            _ => throw new FormatException($"dtype '{descr}' is not supported: use float32, float64, uint8 or another plain number type"),
        };
        // "=" and no order at all mean the writer's machine, which nobody here knows.
        return width == 1 || descr[0] is '<' or '>'
            ? new NpyDtype(descr[^2], width, width > 1 && descr[0] == '>')
            : throw new FormatException($"dtype '{descr}' does not say its byte order: '<' or '>' is needed");
    }

    /// <summary>Converts elements to float32; floats are rounded, integers must be exact.</summary>
    /// <exception cref="FormatException">A boolean is neither 0 nor 1, or an integer is not exact in float32.</exception>
    public void Convert(ReadOnlySpan<byte> data, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = data.Slice(i * Width, Width);
            values[i] = Kind == 'f' ? ReadFloat(element) : ReadInteger(element);
        }
    }

    private float ReadFloat(ReadOnlySpan<byte> element) => (Width, BigEndian) switch
    {
        (2, false) => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
        (2, true) => (float)BinaryPrimitives.ReadHalfBigEndian(element),
        (4, false) => BinaryPrimitives.ReadSingleLittleEndian(element),
        (4, true) => BinaryPrimitives.ReadSingleBigEndian(element),
        (_, false) => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
        (_, true) => (float)BinaryPrimitives.ReadDoubleBigEndian(element),
    };

    private float ReadInteger(ReadOnlySpan<byte> element)
    {
        Int128 value = 0;
        for (int i = 0; i < Width; i++)
            value = (value << 8) | element[BigEndian ? i : Width - 1 - i];
        if (Kind == 'i' && value >> (8 * Width - 1) != 0)
            value -= Int128.One << (8 * Width);
        if (Kind == 'b' && value > 1)
            throw new FormatException("a boolean is neither 0 nor 1");
        float rounded = (float)value;
        return (Int128)rounded == value ? rounded : throw new FormatException($"the integer {value} is not exact in float32: save floats");
    }
}
