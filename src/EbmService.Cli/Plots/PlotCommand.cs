using System.CommandLine;

namespace EbmService.Cli.Plots;

/// <summary><c>ebm plot</c>.</summary>
internal static class PlotCommand
{
    private const string Notes = """
        Draws a sampling result, of 'ebm sample' or of the service's jobs, into PNG files:
          energy.png       energies and gradient norms of single chains, their mean and a band of one standard deviation
          convergence.png  R-hat and bulk ESS of the energy over the steps, with the thresholds 1.01 and 400
          schedule.png     step size a, noise s and temperature T = s^2 / (2a) over the steps
          plane.png        models of the plane: final states over the energy, with trajectory.npy also paths of a few chains
          trajectory.png   models of images, with trajectory.npy: a row per chain, a column per kept state
        Of several results: compared.png, their mean energies, bands and R-hats over one another. Of a spec: its schedule.

        Examples:
          ebm plot moons --model deploy/models/two-moons
          ebm plot langevin/trace.json mala/trace.json --out plots --title "two-moons: SGLD and MALA"
          ebm plot spec.json --model deploy/models/mnist-jem --out plots

        Exit codes: 0 done, 1 failed, 2 bad usage or input.
        """;

    private const string PathsHelp = "A result folder, a trace.json, or a file with a spec; several results are compared.";

    private const string ModelHelp = "The model's folder, for energies of the plane and for what a spec leaves out.";

    public static Command Create(CliEnvironment environment)
    {
        var paths = new Argument<string[]>("result") { Description = PathsHelp, Arity = ArgumentArity.OneOrMore };
        var model = new Option<string?>("--model") { Description = ModelHelp, HelpName = "DIR" };
        var output = new Option<string?>("--out") { Description = "Folder for the pictures. Default: the result's own.", HelpName = "DIR" };
        var title = new Option<string?>("--title") { Description = "Over the pictures. Default: model and kernel.", HelpName = "TEXT" };
        var chains = new Option<int>("--chains") { Description = "Single chains drawn.", DefaultValueFactory = _ => 6, HelpName = "N" };
        var command = new Command("plot", "Draws traces, convergence, schedules and samples of a result.")
        {
            paths, model, output, title, chains,
        };
        command.SetAction((parsed, cancellationToken) => new PlotRunner(environment, new PlotOptions(
            parsed.GetRequiredValue(paths), parsed.GetValue(model), parsed.GetValue(output), parsed.GetValue(title),
            Math.Max(0, parsed.GetValue(chains)))).RunAsync(cancellationToken));
        return command.WithNotes(Notes);
    }
}

/// <summary>The options of <c>ebm plot</c>.</summary>
internal sealed record PlotOptions(IReadOnlyList<string> Paths, string? Model, string? Output, string? Title, int Chains);
