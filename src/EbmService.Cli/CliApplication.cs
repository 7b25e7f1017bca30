using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using EbmService.Cli.Assessment;
using EbmService.Cli.Composition;
using EbmService.Cli.Data;
using EbmService.Cli.Importing;
using EbmService.Cli.Keys;
using EbmService.Cli.Models;
using EbmService.Cli.Plots;
using EbmService.Cli.Running;
using EbmService.Cli.Sampling;
using EbmService.Cli.Training;
using EbmService.Cli.Tuning;

namespace EbmService.Cli;

/// <summary>The command tree, and the one place where exceptions become exit codes.</summary>
internal static class CliApplication
{
    public static async Task<int> RunAsync(string[] args, CliEnvironment environment, CancellationToken cancellationToken)
    {
        ParseResult parsed = Root(environment, args).Parse(args);
        if (parsed.Action is ParseErrorAction)
            return Refuse(parsed, environment);
        try
        {
            var configuration = new InvocationConfiguration
            {
                Output = environment.Out,
                Error = environment.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (Exception exception)
        {
            (int code, string message) = CliErrors.Explain(exception);
            await environment.Error.WriteLineAsync($"ebm: {message}");
            return code;
        }
    }

    private static RootCommand Root(CliEnvironment environment, string[] args) => new("Trains, measures and samples energy-based models.")
    {
        TrainCommand.Create(environment, args),
        CalibrateCommand.Create(environment),
        EvaluateCommand.Create(environment, args),
        AssessCommand.Create(environment, args),
        LikelihoodCommand.Create(environment),
        SampleCommand.Create(environment),
        RunCommand.Create(environment),
        PlotCommand.Create(environment),
        FiltersCommand.Create(environment),
        TuneCommand.Create(environment),
        ImportCommand.Create(environment, args),
        ComposeCommand.Create(environment, args),
        MnistCommand.Create(environment),
        ModelsCommand.Create(environment),
        KeysCommand.Create(environment),
    };

    private static int Refuse(ParseResult parsed, CliEnvironment environment)
    {
        string name = string.Join(
            ' ', parsed.CommandResult.Command is RootCommand ? ["ebm"] : new[] { "ebm", parsed.CommandResult.Command.Name });
        environment.Error.WriteLine(
            $"ebm: {string.Join(' ', parsed.Errors.Select(error => error.Message))} '{name} --help' shows the options.");
        return ExitCode.BadInput;
    }
}

/// <summary>Adds notes and examples below a command's own help, and not to the list of commands.</summary>
internal static class HelpText
{
    public static Command WithNotes(this Command command, string notes)
    {
        var help = new HelpOption();
        help.Action = new NotedHelpAction((HelpAction)help.Action!, notes);
        command.Options.Add(help);
        return command;
    }

    private sealed class NotedHelpAction(HelpAction inner, string notes) : SynchronousCommandLineAction
    {
        // As HelpAction: a request for help is no error, whatever else is missing.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = inner.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.WriteLine(notes);
            return code;
        }
    }
}
