namespace EbmService.Inference.Checkpoints;

/// <summary>The element types this product reads and writes; all little-endian.</summary>
public enum SafetensorsDtype
{
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,

    /// <summary>One byte per element, 0 or 1.</summary>
    Bool,
}

/// <summary>Names and widths of element types.</summary>
public static class SafetensorsDtypes
{
    /// <summary>Bytes per element.</summary>
    public static int Width(this SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.F64 or SafetensorsDtype.I64 => 8,
        SafetensorsDtype.F32 or SafetensorsDtype.I32 => 4,
        SafetensorsDtype.F16 or SafetensorsDtype.BF16 or SafetensorsDtype.I16 => 2,
        SafetensorsDtype.I8 or SafetensorsDtype.U8 or SafetensorsDtype.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>The word the header uses.</summary>
    internal static string HeaderName(this SafetensorsDtype dtype) =>
        dtype == SafetensorsDtype.Bool ? "BOOL" : dtype.ToString();

    internal static SafetensorsDtype? Parse(string? name) => name switch
    {
        "F64" => SafetensorsDtype.F64,
        "F32" => SafetensorsDtype.F32,
        "F16" => SafetensorsDtype.F16,
        "BF16" => SafetensorsDtype.BF16,
        "I64" => SafetensorsDtype.I64,
        "I32" => SafetensorsDtype.I32,
        "I16" => SafetensorsDtype.I16,
        "I8" => SafetensorsDtype.I8,
        "U8" => SafetensorsDtype.U8,
        "BOOL" => SafetensorsDtype.Bool,
        _ => null,
    };
}
