using System.Text.RegularExpressions;

namespace EbmService.EndToEnd.Tests.Telemetry;

/// <summary>Which metrics and labels an expression of Prometheus names: its words, less functions, operators and numbers.</summary>
internal static partial class PromQl
{
    private static readonly HashSet<string> Words =
    [
        "sum", "min", "max", "avg", "count", "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset",
        "rate", "irate", "increase", "delta", "histogram_quantile", "topk", "clamp_min", "label_values",
    ];

    public static IReadOnlySet<string> MetricsOf(string expression) =>
        WordPattern().Matches(Grouping().Replace(Ranges().Replace(Selectors().Replace(expression, " "), " "), " ")).Select(word => word.Value)
            .Where(word => !Words.Contains(word)).ToHashSet();

    public static IReadOnlySet<string> LabelsOf(string expression) => Selectors().Matches(expression)
        .SelectMany(selector => LabelPattern().Matches(selector.Value)).Select(label => label.Groups[1].Value)
        .Concat(Grouping().Matches(expression).SelectMany(group => WordPattern().Matches(group.Groups[1].Value)).Select(word => word.Value))
        .ToHashSet();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Selectors();

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex Ranges();

    [GeneratedRegex(@"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"(?<![\w$.""])[a-zA-Z_:][\w:]*")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")]
    private static partial Regex LabelPattern();
}
