namespace EbmService.Core.Failures;

/// <summary>An error as the service answers it (RFC 9457).</summary>
/// <param name="Type">The kind of problem, for example <c>urn:ebmservice:problem:invalid-request</c>.</param>
/// <param name="Title">The same for every problem of the kind.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened.</param>
/// <param name="Instance">The path that was asked.</param>
/// <param name="Code">The kind as a word, for example <c>invalidRequest</c>.</param>
/// <param name="Remedy">What to do about it.</param>
/// <param name="Error">The detail again, where Open Inference Protocol clients look for it.</param>
/// <param name="Errors">Messages by member, for example <c>spec.stepSize</c> or <c>inputs[3][0]</c>.</param>
/// <param name="TraceId">Names the request in the server's logs.</param>
public sealed record ProblemResponse(
    string Type, string Title, int Status, string Detail, string? Instance, string Code, string Remedy, string Error,
    IReadOnlyDictionary<string, string[]>? Errors, string TraceId);
