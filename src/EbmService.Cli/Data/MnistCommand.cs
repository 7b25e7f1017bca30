using System.CommandLine;

namespace EbmService.Cli.Data;

/// <summary><c>ebm data mnist</c>.</summary>
internal static class MnistCommand
{
    private const string DefaultUrl = "https://ossci-datasets.s3.amazonaws.com/mnist/";

    private const string Notes = """
        Downloads the four files (11 MB) or, with --from, copies them from a folder. Each file's content is checked against a
        built-in SHA-256 before it gets its name, so a file in --out is always the right one; files already there are kept.

        Examples:
          ebm data mnist --out data/mnist
          ebm data mnist --out data/mnist --url https://mirror.example.org/mnist/
          ebm data mnist --out data/mnist --from downloads

        Exit codes: 0 done, 1 failed (download or checksum), 2 bad usage or input, 130 Ctrl-C.
        """;

    private const string FromHelp = "Copy from this folder (plain or .gz) instead of downloading.";

    private const string UrlHelp = "Where the .gz files lie; https.";

    public static Command Create(CliEnvironment environment)
    {
        var output = new Option<string>("--out") { Description = "Folder for the files.", Required = true, HelpName = "DIR" };
        var from = new Option<string?>("--from") { Description = FromHelp, HelpName = "DIR" };
        var url = new Option<string>("--url") { Description = UrlHelp, DefaultValueFactory = _ => DefaultUrl, HelpName = "URL" };
        var mnist = new Command("mnist", "Fetches MNIST with checksums.") { output, from, url };
        mnist.SetAction(async (parsed, cancellationToken) =>
        {
            var fetcher = new MnistFetcher(environment, parsed.GetRequiredValue(output));
            await (parsed.GetValue(from) is { } folder
                ? fetcher.CopyAsync(folder, cancellationToken)
                : fetcher.DownloadAsync(parsed.GetRequiredValue(url), cancellationToken));
            return ExitCode.Ok;
        });
        return new Command("data", "Fetches data sets.") { mnist.WithNotes(Notes) };
    }
}
