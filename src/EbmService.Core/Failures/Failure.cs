using System.Diagnostics.CodeAnalysis;

namespace EbmService.Core.Failures;

/// <summary>One thing wrong with one member of a request.</summary>
/// <param name="Field">The member's JSON path, for example <c>spec.stepSize</c>.</param>
/// <param name="Message">What is wrong and what would be right.</param>
/// <param name="Code"><see cref="FailureCode.InvalidRequest"/>, or <see cref="FailureCode.OverPolicy"/> /
/// <see cref="FailureCode.NotSupported"/> for well-formed values that can't be served.</param>
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

    /// <summary>
    /// A failure made of field errors; its code is the first of theirs in the order of <see cref="FailureCode"/> (a
    /// malformed field before a policy).
    /// </summary>
    public static Failure OfFields(IReadOnlyList<FieldError> fields) =>
        new(fields.Min(field => field.Code),
            fields.Count == 1 ? fields[0].Message : $"{fields.Count} members of the request are not valid.")
        {
            Fields = fields,
        };
}

/// <summary>A value or the failure that stood in its way; expected failures travel this way instead of being thrown.</summary>
public readonly record struct Outcome<T>
{
    private Outcome(T? value, Failure? failure) => (Value, Failure) = (value, failure);

    public T? Value { get; }

    public Failure? Failure { get; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool Succeeded => Failure is null;

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Failure failure) => new(default, failure);

    /// <summary>The value, or the failure thrown as a <see cref="FailureException"/>.</summary>
    public T OrThrow() => Succeeded ? Value : throw new FailureException(Failure);
}

/// <summary>
/// Ends a job or a query with a stated failure. Anything else thrown by a workload counts as
/// <see cref="FailureCode.Internal"/>.
/// </summary>
public sealed class FailureException(Failure failure, Exception? inner = null) : Exception(failure.Message, inner)
{
    public Failure Failure { get; } = failure;
}
