using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using EbmService.Core.Tensors;

namespace EbmService.Core.Models;

/// <summary>What is done with values outside a model's declared range or alphabet.</summary>
public enum OutOfRange
{
    /// <summary>The request is refused, with the place of the first such value.</summary>
    Refuse,

    /// <summary>The values are taken as they are.</summary>
    Allow,
}

/// <summary>Holds the numbers of inputs against the range and the alphabet that a model declares.</summary>
public static class InputValues
{
    /// <value>What rounding may add to an end of the range, as a share of it.</value>
    private const double Tolerance = 1e-5;

    /// <summary>What allows it all the same.</summary>
    public const string Remedy = "or send \"outOfRange\": \"allow\" to have it computed as it is";

    /// <summary>The index of the first value that is not finite; -1 where all are.</summary>
    public static int FindNotFinite(float[] values)
    {
        (float least, float most) = Extremes(values);
        return float.IsFinite(least) && float.IsFinite(most) ? -1 : Array.FindIndex(values, value => !float.IsFinite(value));
    }

    /// <summary>The first value outside; null where all lie inside. Numbers that are not finite lie outside.</summary>
    /// <param name="inputs">(n, ...input shape), or one input.</param>
    /// <returns>The value's index among <see cref="TensorPayload.Values"/>, and what is wrong with it in words.</returns>
    public static (int Index, string Rule)? FindOutside(TensorPayload inputs, InputSchema schema) => schema.Variables switch
    {
        VariableKind.Binary => Find(inputs, value => value is 0 or 1,
            value => $"{Text(value)} is neither 0 nor 1: the model's variables are binary. {Levels(schema)}"),
        VariableKind.Categorical => FindNotOneHot(inputs, schema.Shape[^1]),
        _ => FindBeyond(inputs, schema),
    };

    /// <summary>
    /// Why the values of a batch of pictures, though inside the range, are likely to be on another scale: none below 0 where the
    /// range reaches below, or none above 1 where it reaches far above.
    /// </summary>
    /// <returns>A sentence with the remedy; null where nothing looks wrong.</returns>
    public static string? WarningOf(TensorPayload inputs, InputSchema schema)
    {
        if (schema.Kind != InputKind.Image || schema.Variables != VariableKind.Continuous || inputs.Values.Length == 0)
            return null;
        (float low, float high) = Extremes(inputs.Values);
        bool isShifted = schema.Min < 0 && low >= 0;
        bool isSmall = schema.Max >= 4 && low >= 0 && high <= 1;
        return isShifted || isSmall
            ? $"All values lie between {Text(low)} and {Text(high)}, but the model's pixels go from {Text(schema.Min)} "
                + $"(black) to {Text(schema.Max)} (white): "
                + "if these are intensities on another scale, map them to the model's range first; PNG and uint8 (0 to "
                + "255) are mapped by the service."
            : null;
    }

    private static (int, string)? FindBeyond(TensorPayload inputs, InputSchema schema)
    {
        double slack = (schema.Max - schema.Min) * Tolerance;
        (double low, double high) = (schema.Min - slack, schema.Max + slack);
        (float least, float most) = Extremes(inputs.Values);
        return least >= low && most <= high ? null : Find(inputs, value => value >= low && value <= high,
            value => $"{Text(value)} is outside the model's range of {Text(schema.Min)} to {Text(schema.Max)}: map the values to it"
                + $"{(schema.Kind == InputKind.Image ? " (PNG and uint8, 0 to 255, are mapped by the service)" : "")}, {Remedy}.");
    }

    private static (int, string)? FindNotOneHot(TensorPayload inputs, int categories)
    {
        for (int start = 0; start + categories <= inputs.Values.Length; start += categories)
        {
            ReadOnlySpan<float> one = inputs.Values.AsSpan(start, categories);
            if (one.Count(1f) != 1 || one.Count(0f) != categories - 1)
                return (start, $"The model's variables are categorical: the last dimension holds one 1 and else 0, {Remedy}.");
        }
        return null;
    }

    private static (int, string)? Find(TensorPayload inputs, Predicate<float> isInside, Func<float, string> rule)
    {
        int index = Array.FindIndex(inputs.Values, value => !isInside(value));
        return index < 0 ? null : (index, rule(inputs.Values[index]));
    }

    /// <summary>The smallest and the largest; NaN where any is.</summary>
    private static (float Least, float Most) Extremes(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        (Vector<float> least, Vector<float> most) = (new Vector<float>(float.PositiveInfinity), new Vector<float>(float.NegativeInfinity));
        foreach (Vector<float> several in wide)
            (least, most) = (Vector.Min(least, several), Vector.Max(most, several));
        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        for (int i = 0; i < Vector<float>.Count; i++)
            (low, high) = (MathF.Min(low, least[i]), MathF.Max(high, most[i]));
        foreach (float value in values[(wide.Length * Vector<float>.Count)..])
            (low, high) = (MathF.Min(low, value), MathF.Max(high, value));
        return (low, high);
    }

    private static string Levels(InputSchema schema) =>
        schema.Kind == InputKind.Image ? $"Send 0 and 1, or as PNG and uint8 the levels 0 and 255, {Remedy}." : $"Send 0 and 1, {Remedy}.";

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
