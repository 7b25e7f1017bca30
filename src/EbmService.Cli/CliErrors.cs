using EbmService.Core.Failures;
using EbmService.Inference.Data;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Jobs.Storage;

namespace EbmService.Cli;

/// <summary>One table from exceptions to an exit code and a sentence.</summary>
internal static class CliErrors
{
    public static (int Code, string Message) Explain(Exception exception) => exception switch
    {
        CliException cli => (cli.Code, cli.Message),
        OperationCanceledException => (ExitCode.Cancelled, "stopped"),
        FailureException failure => (CodeOf(failure.Failure), Sentence(failure.Failure)),
        StorageUnavailableException storage => (ExitCode.Failed, storage.Message),
        InvalidDatasetException data => (ExitCode.BadInput, $"the data can't be used: {data.Message}"),
        InvalidModelException model => (ExitCode.BadInput, $"the model can't be used: {model.Message}"),
        InvalidCheckpointException checkpoint => (ExitCode.BadInput, $"the checkpoint can't be used: {checkpoint.Message}"),
        FileNotFoundException file => (ExitCode.BadInput, $"there is no file '{file.FileName}'"),
        DirectoryNotFoundException folder => (ExitCode.BadInput, folder.Message),
        HttpRequestException http => (ExitCode.Failed, $"the download failed: {http.Message}"),
        UnauthorizedAccessException access => (ExitCode.Failed, access.Message),
        IOException io => (ExitCode.Failed, io.Message),
        _ => (ExitCode.Failed, $"unexpected {exception.GetType().Name}: {exception.Message}"),
    };

    private static int CodeOf(Failure failure) =>
        failure.Code is FailureCode.Diverged or FailureCode.StorageFailed or FailureCode.StorageBusy
            or FailureCode.InsufficientStorage or FailureCode.DeviceLost or FailureCode.Internal
            ? ExitCode.Failed
            : ExitCode.BadInput;

    private static string Sentence(Failure failure)
    {
        string[] parts = failure.Fields.Count > 0
            ? [.. failure.Fields.Select(Sentence)]
            : [failure.Message, failure.Remedy ?? ""];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }

    /// <summary>
    /// A request's members are this command's options or a file's: "spec."
    /// is the API's. Most messages begin with the member.
    /// </summary>
    private static string Sentence(FieldError field)
    {
        string member = field.Field.StartsWith("spec.", StringComparison.Ordinal) ? field.Field[5..] : field.Field;
        string message = field.Message.Trim();
        return message.StartsWith(member, StringComparison.Ordinal)
            || message.Contains($"'{member}", StringComparison.Ordinal) ? message : $"{member}: {message}";
    }
}

/// <summary>Ends a command with one sentence for the user and an exit code.</summary>
internal sealed class CliException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Code { get; } = exitCode;

    public static CliException BadInput(string message, Exception? inner = null) => new(ExitCode.BadInput, message, inner);

    public static CliException Failed(string message, Exception? inner = null) => new(ExitCode.Failed, message, inner);
}

/// <summary>What the process ends with.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command was right, but its work failed: training diverged, a checksum differs, the disk is full.</summary>
    public const int Failed = 1;

    /// <summary>The command line or an input is wrong; nothing was done.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Cancelled = 130;
}
