using System.CommandLine;
using EbmService.Inference.Data;

namespace EbmService.Cli.Training;

/// <summary><c>ebm train</c>.</summary>
internal static class TrainCommand
{
    private const string Notes = """
        The folder holds model.json (architecture, input, recipes) and training.json (every number of the run). The version is
        MODEL-FOLDER/VERSION/: weights (averaged), replay buffer, OOD calibration on held-out rows, version.json with hashes.
        A run that was stopped (Ctrl-C) or killed goes on from its checkpoint when the same command is given again.

        Examples:
          ebm train deploy/models/mnist-jem --data mnist:data/mnist
          ebm train deploy/models/two-moons --data two-moons --iterations 500 --version test
          ebm train my-model --data idx:images.idx3.gz,labels.idx1.gz --pictures out
          ebm train my-model --data csv:rows.csv --config score-matching.json

        Exit codes: 0 done, 1 failed (for example diverged; the last good weights are kept), 2 bad usage or input, 130 Ctrl-C.
        """;

    private const string VersionHelp = "Name of the version to write.";

    private const string CheckpointHelp =
        "Resumed from when it exists, written as the run goes. Default: training/NAME/VERSION/checkpoint.safetensors.";

    private const string PicturesHelp = "Sample grids, training-log.csv and training-curve.png go here. Default: the checkpoint's folder.";

    public static Command Create(CliEnvironment environment, string[] args)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and training.json." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var version = new Option<string>("--version") { Description = VersionHelp, DefaultValueFactory = _ => "1", HelpName = "NAME" };
        var config = new Option<string?>("--config") { Description = "A training config in place of the folder's training.json.", HelpName = "FILE" };
        var iterations = new Option<int?>("--iterations") { Description = "Instead of training.json's number.", HelpName = "N" };
        var checkpoint = new Option<string?>("--checkpoint") { Description = CheckpointHelp, HelpName = "FILE" };
        var pictures = new Option<string?>("--pictures") { Description = PicturesHelp, HelpName = "DIR" };
        var replace = new Option<bool>("--replace") { Description = "Replace the version if it exists." };
        var restart = new Option<bool>("--restart") { Description = "Start over: delete the checkpoint instead of resuming from it." };
        var command = new Command("train", "Trains a model by MCMC maximum likelihood and writes a version of it.")
        {
            folder, data, version, config, iterations, checkpoint, pictures, replace, restart,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var request = new TrainRequest
            {
                ModelFolder = parsed.GetRequiredValue(folder),
                Data = DataSource.Parse(parsed.GetRequiredValue(data)),
                Version = parsed.GetRequiredValue(version),
                Config = parsed.GetValue(config),
                Iterations = parsed.GetValue(iterations),
                Checkpoint = parsed.GetValue(checkpoint),
                Pictures = parsed.GetValue(pictures),
                Replace = parsed.GetValue(replace),
                Restart = parsed.GetValue(restart),
                CommandText = CommandText.Of(args),
            };
            return Task.Run(() => new TrainRunner(request, environment).Run(cancellationToken), CancellationToken.None);
        });
        return command.WithNotes(Notes);
    }
}

/// <summary>The options of <c>ebm train</c>.</summary>
internal sealed record TrainRequest
{
    public required string ModelFolder { get; init; }

    public required DataSource Data { get; init; }

    public required string Version { get; init; }

    /// <value>A file in place of the folder's own.</value>
    public string? Config { get; init; }

    public int? Iterations { get; init; }

    public string? Checkpoint { get; init; }

    public string? Pictures { get; init; }

    public bool Replace { get; init; }

    public bool Restart { get; init; }

    /// <value>For provenance.</value>
    public required string CommandText { get; init; }
}
