using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EbmService.Api.Errors;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Http.Features;

namespace EbmService.Api.Inputs;

/// <summary>
/// Refuses text that is no Unicode, wherever it stands: the address, a JSON
/// body's bytes, halves of surrogate pairs in its escapes.
/// </summary>
internal static class UnicodeGuard
{
    /// <summary>Path and query, as they were sent.</summary>
    internal static Task CheckAddressAsync(HttpContext context, RequestDelegate next)
    {
        string target = context.Features.Get<IHttpRequestFeature>()?.RawTarget is { Length: > 0 } raw
            ? raw
            : context.Request.Path.Value + context.Request.QueryString.Value;
        return !target.Contains('%', StringComparison.Ordinal) || Utf8.IsValid(Unescape(target))
            ? next(context)
            : new FailureResult(new Failure(FailureCode.InvalidRequest, "The address holds escapes that are no valid UTF-8.",
                "Encode each character of the path and the query as UTF-8 before escaping its bytes.")).ExecuteAsync(context);
    }

    /// <summary>Null where a JSON text is valid Unicode.</summary>
    internal static Failure? FaultOf(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return Failure.OfFields([new FieldError("body",
                $"The body is no valid UTF-8 (byte {ValidLength(json) + 1}): send JSON as UTF-8.")]);
        }
        return json.IndexOf(@"\ud"u8) >= 0 || json.IndexOf(@"\uD"u8) >= 0 ? LoneSurrogate(json) : null;
    }

    private static Failure? LoneSurrogate(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }
        }
        catch (InvalidOperationException)
        {
            return Failure.OfFields([new FieldError("body",
                $"The text that ends at byte {reader.BytesConsumed} holds half a surrogate pair: escape both halves, or "
                + "send the character itself.")]);
        }
        catch (JsonException)
        {
            // The deserializer says what is wrong, and where.
        }
        return null;
    }

    private static int ValidLength(ReadOnlySpan<byte> text)
    {
        int valid = 0;
        while (Rune.DecodeFromUtf8(text[valid..], out _, out int length) == OperationStatus.Done)
            valid += length;
        return valid;
    }

    private static byte[] Unescape(string target)
    {
        var bytes = new List<byte>(target.Length);
        for (int i = 0; i < target.Length; i++)
        {
            bool isEscape = target[i] == '%' && i + 2 < target.Length && char.IsAsciiHexDigit(target[i + 1])
                && char.IsAsciiHexDigit(target[i + 2]);
            bytes.Add(isEscape ? Convert.FromHexString(target.AsSpan(i + 1, 2))[0] : (byte)Math.Min(target[i], '\x7f'));
            i += isEscape ? 2 : 0;
        }
        return [.. bytes];
    }
}
