namespace EbmService.Cli;

/// <summary>The command line as provenance records it: without this machine's folders.</summary>
internal static class CommandText
{
    public static string Of(IEnumerable<string> args) => "ebm " + string.Join(' ', args.Select(Portable).Select(Quote));

    /// <summary>Absolute paths, and those that climb, shrink to their last name; other text stays.</summary>
    internal static string Portable(string argument)
    {
        IEnumerable<string> parts = argument.Split(',').Select(part =>
        {
            int colon = part.IndexOf(':', StringComparison.Ordinal);
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            int start = Math.Max(colon, equals) + 1;
            string path = part[start..];
            bool foreign = Path.IsPathRooted(path) || path.Split('/', '\\').Contains("..");
            return foreign ? part[..start] + Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) : part;
        });
        return string.Join(',', parts);
    }

    private static string Quote(string argument) => argument.Contains(' ') ? $"\"{argument}\"" : argument;
}
