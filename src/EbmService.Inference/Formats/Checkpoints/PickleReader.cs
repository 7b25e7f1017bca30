using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>
/// Reads the pickle of a state dict, protocols 2 to 5: dicts, lists, tuples, numbers and texts, and what <see cref="TorchGlobals"/>
/// makes of the few globals
/// that it knows. Every other opcode or global is refused by name. Nothing is looked up, imported or called, and memory is bounded
/// by the pickle's length.
/// </summary>
internal ref struct PickleReader
{
    private const int MaxLength = 64 * 1024 * 1024;

    private static readonly object s_mark = new();
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly TorchGlobals _globals;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _at;

    private PickleReader(ReadOnlySpan<byte> bytes, TorchGlobals globals)
    {
        _bytes = bytes;
        _globals = globals;
    }

    /// <summary>The value that a pickle describes.</summary>
    /// <returns>
    /// Null, bool, long, double, string, object?[] (a tuple), List of objects, <see cref="CheckpointGroup"/>, or what <paramref
    /// name="globals"/> makes.
    /// </returns>
    /// <exception cref="InvalidCheckpointException">It is damaged, truncated or holds something else than a state dict needs.</exception>
    public static object? Read(ReadOnlySpan<byte> bytes, TorchGlobals globals) => bytes.Length <= MaxLength
        ? new PickleReader(bytes, globals).Run()
        : throw new InvalidCheckpointException($"the pickle has {bytes.Length} bytes, more than the {MaxLength} allowed");

    private object? Run()
    {
        if (Take() != (byte)PickleOpcode.Proto || Take() is < 2 or > 5)
            throw Damaged("its protocol is none of 2 to 5");
        for (; ; )
        {
            var opcode = (PickleOpcode)Take();
            if (opcode == PickleOpcode.Stop)
            {
                object? result = Pop();
                return _stack.Count == 0 && _at == _bytes.Length ? result : throw Damaged("something is left over at its end");
            }
            if (!Literal(opcode) && !Container(opcode) && !Memo(opcode) && !Construct(opcode))
                throw new InvalidCheckpointException(
                    $"the pickle holds the opcode {NameOf(opcode)} at byte {_at - 1}, which no state dict needs: it is refused");
        }
    }

    private bool Literal(PickleOpcode opcode)
    {
        object? value;
        switch (opcode)
        {
            case PickleOpcode.None: value = null; break;
            case PickleOpcode.NewTrue: value = true; break;
            case PickleOpcode.NewFalse: value = false; break;
            case PickleOpcode.BinInt: value = (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)); break;
            case PickleOpcode.BinInt1: value = (long)Take(); break;
            case PickleOpcode.BinInt2: value = (long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)); break;
            case PickleOpcode.Long1: value = LongOf(Take(Take())); break;
            case PickleOpcode.BinFloat: value = BinaryPrimitives.ReadDoubleBigEndian(Take(8)); break;
            case PickleOpcode.ShortBinUnicode: value = Text(Take(Take())); break;
            case PickleOpcode.BinUnicode: value = Text(Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            default: return false;
        }
        _stack.Add(value);
        return true;
    }

    private bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark: _stack.Add(s_mark); break;
            case PickleOpcode.EmptyTuple: _stack.Add(Array.Empty<object?>()); break;
            case PickleOpcode.Tuple1: _stack.Add(PopMany(1)); break;
            case PickleOpcode.Tuple2: _stack.Add(PopMany(2)); break;
            case PickleOpcode.Tuple3: _stack.Add(PopMany(3)); break;
            case PickleOpcode.Tuple: _stack.Add(PopToMark()); break;
            case PickleOpcode.EmptyList: _stack.Add(new List<object?>()); break;
            case PickleOpcode.Append: Append(PopMany(1)); break;
            case PickleOpcode.Appends: Append(PopToMark()); break;
            case PickleOpcode.EmptyDict: _stack.Add(new CheckpointGroup()); break;
            case PickleOpcode.SetItem: SetItems(PopMany(2)); break;
            case PickleOpcode.SetItems: SetItems(PopToMark()); break;
            default: return false;
        }
        return true;
    }

    private bool Memo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinPut: _memo[Take()] = Top(); break;
            case PickleOpcode.LongBinPut: _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); break;
            case PickleOpcode.Memoize: _memo[_memo.Count] = Top(); break;
            case PickleOpcode.BinGet: _stack.Add(Remembered(Take())); break;
            case PickleOpcode.LongBinGet: _stack.Add(Remembered(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            // Frames only group the bytes that a reader fetches at once.
            case PickleOpcode.Frame: Take(8); break;
            default: return false;
        }
        return true;
    }

    private bool Construct(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global: _stack.Add(_globals.Find($"{Line()}.{Line()}")); break;
            case PickleOpcode.StackGlobal when PopMany(2) is [string module, string name]:
                _stack.Add(_globals.Find($"{module}.{name}"));
                break;
            case PickleOpcode.Reduce when PopMany(2) is [TorchGlobal global, object?[] arguments]:
                _stack.Add(_globals.Call(global, arguments));
                break;
            case PickleOpcode.BinPersId when Pop() is object?[] id: _stack.Add(_globals.Storage(id)); break;
            // The attributes of an OrderedDict: the versions of a module's parts, which nothing here depends on.
            case PickleOpcode.Build when Pop() is CheckpointGroup && Top() is CheckpointGroup: break;
            case PickleOpcode.StackGlobal or PickleOpcode.Reduce or PickleOpcode.BinPersId or PickleOpcode.Build:
                throw new InvalidCheckpointException(
                    $"the pickle's opcode {NameOf(opcode)} at byte {_at - 1} has arguments that no state dict gives it: it is refused");
            default: return false;
        }
        return true;
    }

    private void Append(ReadOnlySpan<object?> items)
    {
        if (Top() is not List<object?> list)
            throw Damaged("items are appended to something that is no list");
        list.AddRange(items);
    }

    private void SetItems(ReadOnlySpan<object?> items)
    {
        if (Top() is not CheckpointGroup group || items.Length % 2 != 0)
            throw Damaged("items are set in something that is no dict");
        for (int i = 0; i < items.Length; i += 2)
            group.Set(KeyOf(items[i]), items[i + 1]);
    }

    private static string KeyOf(object? key) => key switch
    {
        string name => name,
        // An optimizer's state has the numbers of its parameters.
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => throw Damaged("a dict has a key that is neither a text nor a number"),
    };

    private static long LongOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long))
            throw Damaged("it has an integer over 64 bits");
        long value = bytes.Length > 0 && (bytes[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return s_utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidCheckpointException("the pickle is damaged: it has a text that is no UTF-8", e);
        }
    }

    private string Line()
    {
        int length = _bytes[_at..].IndexOf((byte)'\n');
        string line = Text(Take(length >= 0 ? (uint)length : throw Damaged("it is truncated")));
        _at++;
        return line;
    }

    private byte Take() => _at < _bytes.Length ? _bytes[_at++] : throw Damaged("it is truncated");

    private ReadOnlySpan<byte> Take(uint count)
    {
        if (count > _bytes.Length - _at)
            throw Damaged("it is truncated");
        _at += (int)count;
        return _bytes.Slice(_at - (int)count, (int)count);
    }

    private readonly object? Top() =>
        _stack.Count > 0 && !ReferenceEquals(_stack[^1], s_mark) ? _stack[^1] : throw Damaged("its stack is empty");

    private readonly object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private readonly object?[] PopMany(int count)
    {
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            values[i] = Pop();
        return values;
    }

    private readonly object?[] PopToMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0)
            throw Damaged("a mark is missing");
        object?[] values = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private readonly object? Remembered(long index) =>
        _memo.TryGetValue(index, out object? value) ? value
            : throw Damaged($"it refers to entry {index} of its memo, which it has not made");

    private static string NameOf(PickleOpcode opcode) => Enum.IsDefined(opcode)
        ? opcode.ToString().ToUpperInvariant() : $"0x{(byte)opcode:x2}";

    private static InvalidCheckpointException Damaged(string how) => new($"the pickle is damaged: {how}");
}
