using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Inference.Models;

/// <summary>What one look at the repository found. Immutable.</summary>
internal sealed class ModelSet
{
    private readonly ILookup<string, HostedModel> _byName;

    internal ModelSet(IEnumerable<HostedModel> hosted)
    {
        Listed = [.. hosted.OrderBy(model => model.Key.Name, StringComparer.Ordinal)
            .ThenByDescending(model => model.Key.Version, VersionOrder.Instance)];
        _byName = Listed.ToLookup(model => model.Key.Name, StringComparer.Ordinal);
    }

    /// <value>By name, newest version first.</value>
    internal IReadOnlyList<HostedModel> Listed { get; }

    internal Outcome<HostedModel> Find(string name, string? version)
    {
        HostedModel[] versions = [.. _byName[name]];
        if (versions.Length == 0)
            return new Failure(FailureCode.ModelNotFound, $"There is no model '{name}'.", "GET /v1/models lists the models.");
        if (version is null)
            return versions.FirstOrDefault(model => model.State == ModelState.Ready)
                ?? Unavailable(versions.FirstOrDefault(model => model.State == ModelState.Unloaded) ?? versions[0]);
        if (versions.FirstOrDefault(model => model.Key.Version == version) is not { } found)
            return new Failure(FailureCode.VersionNotFound, $"The model '{name}' has no version '{version}'.",
                $"It has: {string.Join(", ", versions.Select(model => model.Key.Version))}.");
        return found.State == ModelState.Ready ? found : Unavailable(found);
    }

    private static Outcome<HostedModel> Unavailable(HostedModel model) => model.State == ModelState.Unloaded
        ? new Failure(FailureCode.ModelUnavailable, $"The model '{model.Key.Name}' is unloaded.",
            $"POST /v1/models/{model.Key.Name}/load puts it back into service.")
        : new Failure(
            FailureCode.ModelUnavailable, $"The model '{model.Key.Name}' is unavailable: {model.Reason}.",
            "Ask the operator to repair its files and load it again.");
}

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
