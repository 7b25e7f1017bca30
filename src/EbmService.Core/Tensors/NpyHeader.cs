using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EbmService.Core.Tensors;

/// <summary>
/// The header of a .npy file: a Python dictionary literal with exactly the keys descr, fortran_order and shape, in any order, with any blanks and
/// either quote. What numpy itself would not write or read, and what this reader does not know, is refused, never guessed.
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
            bool isNumber = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && (digits.Length == 1 || digits[0] != '0');
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
