namespace EbmService.Cli;

/// <summary>Everything that the commands take from the process, so that tests can stand in for it.</summary>
internal sealed record CliEnvironment
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <value>Whether a person watches: live bars then, plain lines otherwise.</value>
    public required bool Interactive { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <value>Makes the handler of downloads.</value>
    public Func<HttpMessageHandler> Http { get; init; } = () => new SocketsHttpHandler();

    public static CliEnvironment OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        Interactive = !Console.IsOutputRedirected,
    };
}
