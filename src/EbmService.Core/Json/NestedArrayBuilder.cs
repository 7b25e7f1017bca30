using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Tensors;

namespace EbmService.Core.Json;

/// <summary>Collects tokens of nested arrays, infers the shape and refuses ragged arrays and anything but finite numbers.</summary>
/// <param name="root">The path of the outermost array.</param>
/// <param name="nullIsNaN">Whether null stands for a number that is not finite, as in answers; else it is refused.</param>
public sealed class NestedArrayBuilder(string root, bool nullIsNaN = false)
{
    private const int MaxDimensions = 8;

    /// <summary>The index of the next element at each open level.</summary>
    private readonly List<int> _position = [];

    /// <summary>The size of each level, -1 until its first array closed.</summary>
    private readonly List<int> _sizes = [];

    private readonly List<float> _values = [];

    /// <summary>The level that holds numbers, -1 until the first number.</summary>
    private int _leafLevel = -1;

    public bool IsOpen => _position.Count > 0;

    /// <summary>Where the next element stands, for example <c>inputs[3][0]</c>.</summary>
    public string Path
    {
        get
        {
            var path = new StringBuilder(root);
            foreach (int index in _position)
                path.Append(CultureInfo.InvariantCulture, $"[{index}]");
            return path.ToString();
        }
    }

    /// <summary>Takes the reader's current token.</summary>
    /// <exception cref="FailureException">The token has no place here; its one field is the element's path.</exception>
    public void Add(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray:
                Open();
                break;
            case JsonTokenType.EndArray:
                Close();
                break;
            case JsonTokenType.Number:
                AddNumber(ref reader);
                break;
            case JsonTokenType.String:
                throw Refuse($"'{Shorten(reader.GetString())}' is text: here stand finite numbers; NaN and infinities are not allowed.");
            case JsonTokenType.Null when nullIsNaN:
                AddValue(float.NaN);
                break;
            case JsonTokenType.Null:
                throw Refuse("null is not a number: here stand finite numbers.");
            default:
                throw Refuse("here stand nested arrays of finite numbers, nothing else.");
        }
    }

    /// <summary>The tensor, once no array is open.</summary>
    public TensorPayload ToTensor()
    {
        if (_leafLevel >= 0 && _leafLevel != _sizes.Count - 1)
            throw Refuse("ragged: some elements are numbers and some are arrays.");
        return new TensorPayload([.. _sizes], [.. _values]);
    }

    private void Open()
    {
        int level = _position.Count;
        if (level == MaxDimensions)
            throw Refuse($"arrays are nested at most {MaxDimensions} deep.");
        if (_leafLevel >= 0 && level > _leafLevel)
            throw Refuse("this is an array where the elements before it are numbers: the arrays are ragged.");
        _position.Add(0);
        if (_sizes.Count < _position.Count)
            _sizes.Add(-1);
    }

    private void Close()
    {
        int level = _position.Count - 1;
        int size = _position[level];
        _position.RemoveAt(level);
        if (_sizes[level] < 0)
            _sizes[level] = size;
        else if (_sizes[level] != size)
            throw Refuse($"has {size} elements where the arrays before it have {_sizes[level]}: the arrays are ragged; "
                + "make them equally long.");
        Advance();
    }

    private void AddNumber(ref Utf8JsonReader reader)
    {
        if (!reader.TryGetSingle(out float value) || !float.IsFinite(value))
            throw Refuse("the number is beyond the range of float32 (about 3.4e38).");
        AddValue(value);
    }

    private void AddValue(float value)
    {
        int level = _position.Count - 1;
        if (level < 0)
            throw Refuse("must be an array: one array per input.");
        if (_leafLevel < 0)
            _leafLevel = level;
        if (level != _leafLevel || _sizes.Count - 1 > level)
            throw Refuse("this is a number where the elements before it are arrays: the arrays are ragged.");
        _values.Add(value);
        Advance();
    }

    private void Advance()
    {
        if (_position.Count > 0)
            CollectionsMarshal.AsSpan(_position)[^1]++;
    }

    private FailureException Refuse(string message) => new(Failure.OfFields([new FieldError(Path, message)]));

    private static string Shorten(string? text) => text is { Length: > 20 } ? text[..20] + "..." : text ?? "";
}
