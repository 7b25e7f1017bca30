using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Json;

namespace EbmService.Api.Inputs;

/// <summary>Reads a JSON body; what is wrong with it is said in plain words, with the member's path.</summary>
internal static class JsonBody
{
    internal static Outcome<T> Deserialize<T>(ReadOnlySpan<byte> body)
        where T : class => Deserialize<T>(body, typeof(T));

    /// <summary>Reads a body as <paramref name="type"/>, which is a <typeparamref name="T"/>.</summary>
    internal static Outcome<T> Deserialize<T>(ReadOnlySpan<byte> body, Type type)
        where T : class
    {
        if (body.IsEmpty)
            return new Failure(FailureCode.InvalidRequest, "The body is empty.", "Send a JSON object; /swagger shows examples.");
        ReadOnlySpan<byte> json = body.StartsWith("\uFEFF"u8) ? body[3..] : body;
        if (UnicodeGuard.FaultOf(json) is { } fault)
            return fault;
        try
        {
            return JsonSerializer.Deserialize(json, type, EbmJson.Options) is T value
                ? value
                : new Failure(FailureCode.InvalidRequest, "The body is null.", "Send a JSON object; /swagger shows examples.");
        }
        catch (FailureException failed)
        {
            return failed.Failure;
        }
        catch (JsonException broken)
        {
            return JsonErrorTranslator.Translate(broken, type, json);
        }
    }
}
