using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace EbmService.Cli;

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
