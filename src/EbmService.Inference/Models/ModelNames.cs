using System.Text.RegularExpressions;

namespace EbmService.Inference.Models;

/// <summary>What models, versions and their files may be called: safe in paths, URLs and logs.</summary>
public static partial class ModelNames
{
    public const string Pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

    public static bool IsValid(string? name) => name is not null && Rule().IsMatch(name);

    // \z: the pattern's $ would let a trailing newline through.
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Rule();
}
