using System.Globalization;
using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;

namespace EbmService.Api.Jobs;

/// <summary>The query string of GET /v1/jobs.</summary>
internal static class JobFilterReader
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    internal static Outcome<JobFilter> Read(
        string? status, string? model, string? type, string? limit, string? cursor, JobTypeRegistry types)
    {
        var errors = new List<FieldError>();
        var query = new JobFilter(Word<JobStatus>("status", status, errors), Blank(model), Type(type, types, errors),
            Limit(limit, errors), Blank(cursor));
        return errors.Count > 0 ? Failure.OfFields(errors) : query;
    }

    private static T? Word<T>(string field, string? text, List<FieldError> errors)
        where T : struct, Enum
    {
        if (Blank(text) is null)
            return null;
        // Enum.TryParse takes numbers too; words only here.
        string? name = Enum.GetNames<T>().FirstOrDefault(known => known.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (name is not null)
            return Enum.Parse<T>(name);
        string known = string.Join(", ", Enum.GetNames<T>().Select(JsonNamingPolicy.CamelCase.ConvertName));
        errors.Add(new(field, $"Must be one of: {known}."));
        return null;
    }

    private static string? Type(string? text, JobTypeRegistry types, List<FieldError> errors)
    {
        if (Blank(text) is not { } word)
            return null;
        string? name = types.All.Select(type => type.Description.Name)
            .FirstOrDefault(known => known.Equals(word, StringComparison.OrdinalIgnoreCase));
        if (name is null)
            errors.Add(new("type", $"Must be one of: {types.Known}."));
        return name;
    }

    private static int Limit(string? text, List<FieldError> errors)
    {
        if (Blank(text) is null)
            return DefaultLimit;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit is >= 1 and <= MaxLimit)
            return limit;
        errors.Add(new("limit", $"Must be between 1 and {MaxLimit}."));
        return DefaultLimit;
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
