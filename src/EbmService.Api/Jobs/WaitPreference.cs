using System.Globalization;

namespace EbmService.Api.Jobs;

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
