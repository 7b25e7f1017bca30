using System.Security.Cryptography;
using System.Text;

namespace EbmService.Jobs.Keys;

/// <summary>What the service knows of a key: everything but the key itself.</summary>
/// <param name="Id">The part of the key that names it, 12 hex digits; no secret.</param>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Tenant">Whose jobs, results and datasets it reaches.</param>
/// <param name="Scopes">Among <see cref="ApiKeyScopes.All"/>.</param>
/// <param name="Hash">SHA-256 of the key's text, 64 hex digits.</param>
/// <param name="ExpiresAt">Null for a key that does not expire.</param>
/// <param name="RevokedAt">Null while it may be used.</param>
public sealed record ApiKey(
    string Id, string Name, string Tenant, IReadOnlyList<string> Scopes, string Hash, DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>What a key may do.</summary>
public static class ApiKeyScopes
{
    public const string Infer = "infer";
    public const string Jobs = "jobs";
    public const string ModelsAdmin = "models:admin";
    public const string Metrics = "metrics";

    public static IReadOnlyList<string> All { get; } = [Infer, Jobs, ModelsAdmin, Metrics];
}

/// <summary>
/// The text of a key, <c>ebm_{id}_{secret}</c>: an id of 12 hex digits and 256 random bits as 64 hex digits. A plain SHA-256 is
/// enough to store such a key: nobody guesses 256 random bits, however fast the hash is.
/// </summary>
public static class ApiKeyText
{
    public const string Prefix = "ebm_";
    private const int IdBytes = 6;
    private const int SecretBytes = 32;
    private const int IdLength = 2 * IdBytes;

    /// <value>Characters of every key.</value>
    public static int Length => Prefix.Length + IdLength + 1 + 2 * SecretBytes;

    /// <summary>Makes a new key.</summary>
    public static string Create() => $"{Prefix}{RandomNumberGenerator.GetHexString(IdLength, lowercase: true)}_"
        + RandomNumberGenerator.GetHexString(2 * SecretBytes, lowercase: true);

    /// <summary>The id in a text that has the shape of a key; null in any other.</summary>
    public static string? IdOf(string text)
    {
        bool isKey = text.Length == Length && text.StartsWith(Prefix, StringComparison.Ordinal) && text[Prefix.Length + IdLength] == '_';
        return isKey ? text.Substring(Prefix.Length, IdLength) : null;
    }

    /// <summary>SHA-256 of the whole text.</summary>
    public static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>Names of tenants.</summary>
public static class TenantName
{
    public const int MaxLength = 64;
    public const string Rule = "1 to 64 letters, digits, dots, underscores or hyphens, beginning with a letter or a digit";

    /// <summary>Whether a key or a token may belong to a tenant of that name.</summary>
    public static bool IsValid(string? name) => name is { Length: > 0 and <= MaxLength } && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');
}
