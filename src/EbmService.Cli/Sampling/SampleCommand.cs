using System.CommandLine;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Sampling;

/// <summary><c>ebm sample</c>.</summary>
internal static class SampleCommand
{
    private const string Notes = """
        Runs a sampling job here as the service's worker would: the same spec and seed give the same bits. Writes samples.png,
        samples.npy, energies.npy, trace.json and card.json to --out. The card holds the whole spec, seed included.

        Examples:
          ebm sample deploy/models/mnist-jem --chains 40 --labels 0,1,2,3,4,5,6,7,8,9 --seed 1 --out digits
          ebm sample deploy/models/two-moons --chains 1000 --steps 5000 --out moons
          ebm sample deploy/models/mnist-jem --recipe langevin --step-size 0.001 --temperature 1 --start buffer

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var chains = new Option<int?>("--chains") { Description = $"Independent chains. Default {SamplingSpecFactory.DefaultChains}.", HelpName = "N" };
        var steps = new Option<int?>("--steps") { Description = "Steps per chain. Default: the recipe's.", HelpName = "N" };
        var seed = new Option<long?>("--seed") { Description = "0 to 2^53 - 1. Default: drawn, and recorded in card.json.", HelpName = "N" };
        var recipe = new Option<string?>("--recipe") { Description = $"The model's own or {string.Join(", ", SgldRecipes.BuiltIn.Keys)}. Default: the model's.", HelpName = "NAME" };
        var stepSize = new Option<double?>("--step-size") { Description = "Instead of the recipe's.", HelpName = "A" };
        var noise = new Option<double?>("--noise") { Description = "Standard deviation per step; excludes --temperature.", HelpName = "S" };
        var temperature = new Option<double?>("--temperature") { Description = "Sets the noise to sqrt(2 A T).", HelpName = "T" };
        var label = new Option<int?>("--label") { Description = "One class index for all chains.", HelpName = "C" };
        var labels = new Option<string?>("--labels") { Description = "Class indices dealt to the chains in turn.", HelpName = "C,C,..." };
        var start = new Option<ChainStart?>("--start") { Description = "buffer (the model's replay buffer) or base (uniform noise)." };
        var blockSize = new Option<int?>("--block-size") { Description = "Chains advanced together; part of what fixes the bits.", HelpName = "N" };
        var output = new Option<string>("--out") { Description = "Folder for the files.", DefaultValueFactory = _ => "samples", HelpName = "DIR" };
        var command = new Command("sample", "Draws samples from a model by a Markov chain.")
        {
            folder, version, chains, steps, seed, recipe, stepSize, noise, temperature, label, labels, start, blockSize, output,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new SamplingRequest
            {
                Chains = parsed.GetValue(chains),
                Steps = parsed.GetValue(steps),
                Seed = parsed.GetValue(seed),
                Recipe = parsed.GetValue(recipe),
                StepSize = parsed.GetValue(stepSize),
                Noise = parsed.GetValue(noise),
                Temperature = parsed.GetValue(temperature),
                Label = parsed.GetValue(label),
                Labels = ParseLabels(parsed.GetValue(labels)),
                Start = parsed.GetValue(start),
                BlockSize = parsed.GetValue(blockSize),
            };
            var runner = new SampleRunner(environment, parsed.GetRequiredValue(folder), parsed.GetValue(version), request, parsed.GetRequiredValue(output));
            return Task.Run(() => runner.Run(cancellation), CancellationToken.None);
        });
        return command.WithNotes(Notes);
    }

    private static int[]? ParseLabels(string? text) => text?.Split(',', StringSplitOptions.TrimEntries).Select(part =>
        int.TryParse(part, out int label) ? label : throw CliException.BadInput($"--labels takes class indices such as 0,1,2; '{part}' is none")).ToArray();
}
