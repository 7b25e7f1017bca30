namespace EbmService.Core.Failures;

/// <summary>One thing wrong with one member of a request.</summary>
/// <param name="Field">The member's JSON path, for example <c>spec.stepSize</c>.</param>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Code"><see cref="FailureCode.InvalidRequest"/>, or <see cref="FailureCode.OverPolicy"/> / <see cref="FailureCode.NotSupported"/> for well-formed values that can't be served.</param>
public sealed record FieldError(string Field, string Message, FailureCode Code = FailureCode.InvalidRequest);

/// <summary>A failure as data: a code, a sentence for people, what to do about it, and per-field errors.</summary>
/// <param name="Code">The kind.</param>
/// <param name="Message">What happened; never a stack trace, a path or a device detail.</param>
/// <param name="Remedy">What the caller can do.</param>
public sealed record Failure(FailureCode Code, string Message, string? Remedy = null)
{
    public IReadOnlyList<FieldError> Fields { get; init; } = [];

    /// <value>How long to wait before trying again, where that is known.</value>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>A failure made of field errors; its code is the gravest of theirs (a malformed field before a policy).</summary>
    public static Failure OfFields(IReadOnlyList<FieldError> fields) =>
        new(fields.Min(field => field.Code), fields.Count == 1 ? fields[0].Message : $"{fields.Count} members of the request are not valid.")
        {
            Fields = fields,
        };
}
