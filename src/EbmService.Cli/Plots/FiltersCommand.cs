using System.CommandLine;
using EbmService.Core.Files;
using EbmService.Core.Models;
using EbmService.Inference.Imaging;
using EbmService.Inference.Models;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Plots;

/// <summary><c>ebm filters</c>.</summary>
internal static class FiltersCommand
{
    private const string Notes = """
        The weights from each hidden unit to the visible ones, as pictures: of a Boltzmann machine of images (kinds rbm and dbm, of this the layer next to
        the visible units). Each picture has a range of its own about 0, which is the middle grey: what is white turns the unit on, what is black turns it off.

        Example:
          ebm filters deploy/models/mnist-rbm --out filters.png

        Exit codes: 0 done, 2 bad usage or input.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var output = new Option<string>("--out") { Description = "The picture, PNG.", Required = true, HelpName = "FILE" };
        var count = new Option<int>("--count") { Description = "Hidden units at most, the first ones.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var command = new Command("filters", "Draws the weights of a Boltzmann machine's hidden units as images.") { folder, output, count, version };
        command.SetAction(parsed => Run(
            environment, parsed.GetRequiredValue(folder), parsed.GetRequiredValue(output), parsed.GetValue(count), parsed.GetValue(version)));
        return command.WithNotes(Notes);
    }

    private static int Run(CliEnvironment environment, string folder, string output, int count, string? version)
    {
        if (count < 1)
            throw CliException.BadInput("--count must be at least 1");
        (ServiceProvider services, string name) = ModelHost.Open(folder);
        using ServiceProvider scope = services;
        HostedModel model = ModelHost.Find(services, name, version);
        if (CapabilityRules.Refuse(model, "model", "A picture of hidden units", "name a Boltzmann machine", ModelCapability.Filters) is { } refusal)
            throw CliException.BadInput(refusal.Message);
        InputSchema visible = model.VisibleSchema();
        if (visible is not { Kind: InputKind.Image, Shape: [1 or 3, _, _] })
            throw CliException.BadInput($"the visible units of '{name}' are no image of one or three channels: their shape is [{string.Join(", ", visible.Shape)}]");
        (byte[] png, int units) = FilterGrid.Render(services.GetRequiredService<ModelRepository>().Load(model.Key).OrThrow(), count);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
        DurableFiles.Replace(output, png);
        environment.Out.WriteLine($"Wrote the filters of {units} hidden units of {model.Key} to {output}.");
        return ExitCode.Ok;
    }
}
