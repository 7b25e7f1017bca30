using System.Diagnostics.CodeAnalysis;

namespace EbmService.Core.Failures;

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
