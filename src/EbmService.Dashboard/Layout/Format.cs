using System.Globalization;

namespace EbmService.Dashboard.Layout;

/// <summary>Numbers and times as people read them.</summary>
public static class Format
{
    private const string Minus = "\u2212";

    public static string Number(double? value)
    {
        if (value is not { } number || !double.IsFinite(number))
            return "\u2013";
        double size = Math.Abs(number);
        string text = size switch
        {
            0 => "0",
            >= 1e9 => Digits(number / 1e9, 2) + " G",
            >= 1e6 => Digits(number / 1e6, 2) + " M",
            >= 1e5 => Digits(number / 1e3, 0) + " k",
            >= 1e3 => number.ToString("# ##0", CultureInfo.InvariantCulture).Replace(" ", "\u202f"),
            >= 100 => Digits(number, 1),
            >= 1 => Digits(number, 3),
            >= 1e-3 => Digits(number, 4),
            _ => number.ToString("0.0#e0", CultureInfo.InvariantCulture),
        };
        return text.Replace("-", Minus);
    }

    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture).Replace(",", "\u202f");

    public static string Percent(double fraction, int digits = 0) =>
        (100 * fraction).ToString(digits == 0 ? "0" : "0." + new string('0', digits), CultureInfo.InvariantCulture) + " %";

    /// <summary>Progress never shows as done before it is.</summary>
    public static string Progress(double fraction) =>
        Percent(fraction is < 1 and > 0.99 ? Math.Floor(1000 * fraction) / 1000 : fraction, fraction is < 1 and > 0.99 ? 1 : 0);

    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{Digits(bytes / (double)(1L << 30), 1)} GiB",
        >= 1L << 20 => $"{Digits(bytes / (double)(1L << 20), 1)} MiB",
        >= 1L << 10 => $"{Digits(bytes / (double)(1L << 10), 1)} KiB",
        _ => $"{bytes} B",
    };

    public static string Span(double? seconds) => seconds switch
    {
        null => "\u2013",
        < 0.05 => "0 s",
        < 1 => $"{seconds * 1000:0} ms",
        < 10 => $"{Digits(seconds.Value, 1)} s",
        < 90 => $"{seconds:0} s",
        < 5400 => $"{(int)(seconds / 60)} min {(int)(seconds % 60)} s",
        < 172800 => $"{(int)(seconds / 3600)} h {(int)(seconds % 3600 / 60)} min",
        _ => $"{(int)(seconds / 86400)} d {(int)(seconds % 86400 / 3600)} h",
    };

    public static string Ago(DateTimeOffset then, DateTimeOffset now) => (now - then).TotalSeconds switch
    {
        < 5 => "just now",
        < 90 and var seconds => $"{seconds:0} s ago",
        < 5400 and var seconds => $"{seconds / 60:0} min ago",
        < 129600 and var seconds => $"{seconds / 3600:0} h ago",
        var seconds => $"{seconds / 86400:0} d ago",
    };

    /// <summary>chainSteps to "chain steps".</summary>
    public static string Words(string camelCase) =>
        string.Concat(camelCase.Select((letter, at) => at > 0 && char.IsUpper(letter) && !char.IsUpper(camelCase[at - 1])
            ? " " + (IsAlone(camelCase, at) ? char.ToLowerInvariant(letter) : letter) : letter.ToString()));

    /// <summary>chainSteps to "Chain steps".</summary>
    public static string Title(string camelCase) => Words(camelCase) is { Length: > 0 } words ? char.ToUpperInvariant(words[0]) + words[1..] : "";

    /// <summary>The end of an id: its beginning is the time.</summary>
    public static string Id(string id) => id.Length > 8 ? id[^8..] : id;

    /// <summary>Whether the capital begins a word and not an abbreviation.</summary>
    private static bool IsAlone(string text, int at) => at + 1 == text.Length || !char.IsUpper(text[at + 1]);

    private static string Digits(double value, int digits) => value.ToString("0." + new string('#', digits), CultureInfo.InvariantCulture);
}
