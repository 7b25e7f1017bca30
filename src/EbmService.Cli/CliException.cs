namespace EbmService.Cli;

/// <summary>Ends a command with one sentence for the user and an exit code.</summary>
internal sealed class CliException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Code { get; } = exitCode;

    public static CliException BadInput(string message, Exception? inner = null) => new(ExitCode.BadInput, message, inner);

    public static CliException Failed(string message, Exception? inner = null) => new(ExitCode.Failed, message, inner);
}
