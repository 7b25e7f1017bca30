using System.CommandLine;
using System.Globalization;
using EbmService.Core.Models;
using EbmService.Inference.Composition;
using EbmService.Inference.Models;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Composition;

/// <summary><c>ebm compose</c>.</summary>
internal static class ComposeCommand
{
    private const string Notes = """
        A term is a model's folder, then its settings: FOLDER[:weight=W][,label=Y][,version=V]. A weight is any number but 0 (default 1),
        a label takes E(x, y) of that class in place of E(x). The product has E(x) = sum_i weight_i E_i(x), the mixture
        E(x) = -log sum_i weight_i exp(-E_i(x)). The new model holds copies of all that it computes with.

        Examples:
          ebm compose models/three-and-eight --term models/mnist-jem:label=3 --term models/mnist-jem:label=8
          ebm compose models/three-not-five --term models/mnist-jem:label=3 --term models/mnist-jem:weight=-0.02,label=5
          ebm compose models/four-or-nine --combine mixture --term models/mnist-jem:label=4 --term models/mnist-jem:label=9
        """;

    public static Command Create(CliEnvironment environment, string[] args)
    {
        var folder = new Argument<string>("out-folder") { Description = "Folder of the new model; its name becomes the model's." };
        var term = new Option<string[]>("--term") { Description = "A model's folder with weight, label and version.", Required = true, HelpName = "TERM" };
        var combine = new Option<string>("--combine") { Description = "product or mixture.", DefaultValueFactory = _ => "product", HelpName = "RULE" };
        combine.AcceptOnlyFromAmong("product", "mixture");
        var version = new Option<string>("--version") { Description = "Name of the version to write.", DefaultValueFactory = _ => "1", HelpName = "NAME" };
        var title = new Option<string?>("--title") { Description = "Default: the formula.", HelpName = "TEXT" };
        var command = new Command("compose", "Makes one model of several: the product or the mixture of their densities.") { folder, term, combine, version, title };
        command.SetAction(parsed =>
        {
            string target = parsed.GetRequiredValue(folder);
            (string Folder, CompositionTerm Term)[] terms = [.. parsed.GetRequiredValue(term).Select(Parse)];
            var request = new CompositionRequest
            {
                Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target))),
                Version = parsed.GetRequiredValue(version),
                Combine = parsed.GetRequiredValue(combine) == "mixture" ? CombineRule.Mixture : CombineRule.Product,
                Title = parsed.GetValue(title),
                Terms = [.. terms.Select(each => each.Term)],
            };
            Write(environment, target, request, [.. terms.Select(each => each.Folder)], CommandText.Of(args));
            return ExitCode.Ok;
        });
        return command.WithNotes(Notes);
    }

    private static void Write(CliEnvironment environment, string target, CompositionRequest request, string[] folders, string commandText)
    {
        string[] roots = [.. folders.Select(folder => ModelHost.Locate(folder).Repository)];
        Dictionary<string, ServiceProvider> hosts = roots.Distinct(StringComparer.Ordinal).ToDictionary(root => root, ModelHost.Create, StringComparer.Ordinal);
        try
        {
            ComposedVersion made = CompositionFiles.Write(
                target, request, [.. roots.Select(root => hosts[root].GetRequiredService<ModelRepository>())], version => new ModelProvenance
                {
                    Command = commandText, Data = version.Data, Seed = 0, Seconds = 0,
                    FinishedAt = DateTimeOffset.FromUnixTimeSeconds(environment.Clock.GetUtcNow().ToUnixTimeSeconds()), Software = SoftwareText.Current(),
                }).OrThrow();
            environment.Out.WriteLine($"Wrote version {request.Version} to {Path.Combine(target, request.Version)}: {made.Descriptor.Description}");
        }
        finally
        {
            foreach (ServiceProvider host in hosts.Values)
                host.Dispose();
        }
    }

    private static (string Folder, CompositionTerm Term) Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        // A folder may have a colon in its name, settings have an equals sign after theirs.
        bool isSet = colon >= 0 && text[colon..].Contains('=', StringComparison.Ordinal);
        string folder = isSet ? text[..colon] : text;
        var term = new CompositionTerm { Model = ModelHost.Locate(folder).ModelName };
        foreach (string setting in isSet ? text[(colon + 1)..].Split(',') : [])
        {
            string[] pair = setting.Split('=', 2);
            term = pair switch
            {
                ["weight", var value] when double.TryParse(value, CultureInfo.InvariantCulture, out double weight) => term with { Weight = weight },
                ["label", var value] when int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int label) => term with { Label = label },
                ["version", { Length: > 0 } value] => term with { Version = value },
                _ => throw CliException.BadInput($"--term '{text}': '{setting}' is none of weight=NUMBER, label=CLASS, version=NAME"),
            };
        }
        return (folder, term);
    }
}
