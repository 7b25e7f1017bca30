using System.CommandLine;
using EbmService.Inference.Data;

namespace EbmService.Cli.Assessment;

/// <summary><c>ebm evaluate</c>.</summary>
internal static class EvaluateCommand
{
    private const string Notes = """
        Measures a version on data that training did not see, by the same jobs as the service's.

        Images: accuracy, NLL, ECE, mean energy; every OOD score against the sets of --ood and against uniform noise, flipped, inverted
        and constant images; conformal p-values on the test set; class-conditional samples from uniform noise after the recipe's
        steps and after 20 times as many, judged by an independent classifier that is trained first (about two minutes; --classifier
        keeps it). Vectors: energy distance to the data, an energy map, samples after the recipe's steps and 5 times as many.
        Writes evaluation.json and pictures to --out.

        Examples:
          ebm evaluate deploy/models/mnist-jem --data mnist:data/mnist --ood notMNIST=data/notmnist/images-idx3-ubyte.gz
          ebm evaluate deploy/models/mnist-jem --data data/mnist --classifier judge.safetensors --update-card
          ebm evaluate deploy/models/two-moons --data two-moons --out report --quick
          ebm evaluate deploy/models/mnist-jem --data data/mnist --classifier judge.safetensors --compare-precision

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    private const string OodHelp = "A set that is out of distribution: an IDX file of images or a folder of PNG; may be repeated.";

    private const string OutputHelp = "Folder for the files. Default: evaluation/NAME/VERSION.";

    private const string ClassifierHelp = "The independent classifier: read when it exists, written otherwise.";

    private const string SeedHelp = "Of synthetic sets, samples and classifier.";

    private const string UpdateHelp =
        "Write the metrics into version.json and, between <!-- metrics:begin --> and <!-- metrics:end -->, into the "
        + "model's README.md; pictures into its pictures folder.";

    private const string PrecisionHelp =
        "Instead: what bfloat16 changes about energies of test inputs and about chains, into precision.json.";

    public static Command Create(CliEnvironment environment, string[] args)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var ood = new Option<string[]>("--ood") { Description = OodHelp, HelpName = "NAME=PATH", AllowMultipleArgumentsPerToken = true };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var output = new Option<string?>("--out") { Description = OutputHelp, HelpName = "DIR" };
        var classifier = new Option<string?>("--classifier") { Description = ClassifierHelp, HelpName = "FILE" };
        var seed = new Option<long>("--seed") { Description = SeedHelp, DefaultValueFactory = _ => 1, HelpName = "N" };
        var quick = new Option<bool>("--quick") { Description = "Smaller sets and a lesser classifier, for a look." };
        var update = new Option<bool>("--update-card") { Description = UpdateHelp };
        var precision = new Option<bool>("--compare-precision") { Description = PrecisionHelp };
        var command = new Command("evaluate", "Measures a model version and writes a report.")
        {
            folder, data, ood, version, output, classifier, seed, quick, precision, update,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var runner = new AssessmentRunner(environment, new AssessmentOptions
            {
                ModelFolder = parsed.GetRequiredValue(folder),
                Data = DataSource.Parse(parsed.GetRequiredValue(data)),
                OutOfDistribution = parsed.GetValue(ood) ?? [],
                Version = parsed.GetValue(version),
                Output = parsed.GetValue(output),
                Classifier = parsed.GetValue(classifier),
                Seed = parsed.GetValue(seed),
                Quick = parsed.GetValue(quick),
                ComparePrecision = parsed.GetValue(precision),
                UpdateCard = parsed.GetValue(update),
                CommandText = CommandText.Of(args),
            });
            return runner.RunAsync(cancellationToken);
        });
        return command.WithNotes(Notes);
    }
}

/// <summary>The options of <c>ebm evaluate</c>.</summary>
internal sealed record AssessmentOptions
{
    public required string ModelFolder { get; init; }

    public required DataSource Data { get; init; }

    /// <value>NAME=PATH each.</value>
    public required IReadOnlyList<string> OutOfDistribution { get; init; }

    public string? Version { get; init; }

    public string? Output { get; init; }

    public string? Classifier { get; init; }

    public long Seed { get; init; }

    public bool Quick { get; init; }

    /// <value>Compares float32 with bfloat16 instead.</value>
    public bool ComparePrecision { get; init; }

    public bool UpdateCard { get; init; }

    public required string CommandText { get; init; }
}
