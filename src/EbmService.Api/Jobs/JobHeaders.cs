using System.Globalization;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Api.Jobs;

/// <summary>
/// The header that says whose job it is where nobody has to authenticate: a share of the device, not a security boundary, as anybody may
/// write any name. A key's own tenant stands in its place.
/// </summary>
internal static class TenantHeader
{
    internal const string Name = "X-Tenant";
    internal const string Description =
        "Whose share of the device the job counts against: 1 to 64 of A-Z a-z 0-9 . _ -, 'default' without it. Where requests need no key it is "
        + "for fairness only and hides nothing from anybody; a key's own tenant counts in its place, and another one is refused.";
    private const int MaxLength = 64;

    internal static string Read(HttpRequest request, List<FieldError> errors)
    {
        if (Caller.TenantOf(request.HttpContext.User) is { } own)
            return own;
        if (request.Headers[Name] is not { Count: > 0 } header)
            return JobSnapshot.DefaultTenant;
        string tenant = header.ToString();
        if (tenant.Length is 0 or > MaxLength || !tenant.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-'))
            errors.Add(new(Name, $"Must be 1 to {MaxLength} letters, digits, dots, underscores or hyphens."));
        return tenant;
    }
}

/// <summary>The header <c>Prefer: wait=N</c> (RFC 7240).</summary>
internal static class WaitPreference
{
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <returns>The seconds to wait, at most 60; null where the client doesn't ask.</returns>
    internal static TimeSpan? Read(HttpRequest request)
    {
        foreach (string part in request.Headers["Prefer"].ToString().Split([',', ';'], StringSplitOptions.TrimEntries))
        {
            string[] pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2 && pair[0].Equals("wait", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(pair[1].Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds))
            {
                return seconds < Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : Longest;
            }
        }
        return null;
    }
}
