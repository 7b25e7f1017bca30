namespace EbmService.Inference.Models;

/// <summary>Orders version names as people read them: runs of digits as numbers, the rest as text; 2 before 10, 1.9 before 1.10.</summary>
public sealed class VersionOrder : IComparer<string>
{
    public static VersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> a = x, b = y;
        while (!a.IsEmpty && !b.IsEmpty)
        {
            ReadOnlySpan<char> left = NextRun(ref a), right = NextRun(ref b);
            int order = char.IsAsciiDigit(left[0]) && char.IsAsciiDigit(right[0])
                ? CompareNumbers(left.TrimStart('0'), right.TrimStart('0'))
                : left.SequenceCompareTo(right);
            if (order != 0)
                return order;
        }
        int rest = a.Length - b.Length;
        // 1 and 01 are equal numbers but two folders.
        return rest != 0 ? rest : string.CompareOrdinal(x, y);
    }

    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b) =>
        a.Length != b.Length ? a.Length - b.Length : a.SequenceCompareTo(b);

    private static ReadOnlySpan<char> NextRun(ref ReadOnlySpan<char> text)
    {
        bool digits = char.IsAsciiDigit(text[0]);
        int length = 1;
        while (length < text.Length && char.IsAsciiDigit(text[length]) == digits)
            length++;
        ReadOnlySpan<char> run = text[..length];
        text = text[length..];
        return run;
    }
}
