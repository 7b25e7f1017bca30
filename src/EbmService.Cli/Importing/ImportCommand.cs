using System.CommandLine;
using EbmService.Inference.Importing;
using EbmService.Inference.Models;

namespace EbmService.Cli.Importing;

/// <summary><c>ebm import</c>.</summary>
internal static class ImportCommand
{
    private const string Notes = """
        The checkpoint is a file of torch.save (PyTorch 1.6 or later) that holds a state dict, alone or in a dict
        ({"model_state_dict": ..., "replay_buffer": ...}), or safetensors. Weights only: nothing in it is executed, and every class or
        function that a state dict does not need is refused by name. The sizes are those of model.json; tensors that are missing, left
        over or of another shape are listed and nothing is written.

        Examples:
          ebm import CIFAR10_MODEL.pt models/cifar10-jem --source jem --descriptor model.json
          ebm import igebm.pt models/cifar10-igebm --source igebm-pytorch --check inputs.npy energies.npy
          ebm import weights.safetensors models/mine --source plain --version 2

        --check computes the energies of inputs [n, ...input] and compares them with [n] or [n, 1] energies, or with [n, classes]
        logits, that were computed elsewhere; energies are lower where x is more likely, so JEM's own f(x) counts as -energy.

        Exit codes: 0 done, 1 the check failed (nothing was written), 2 bad usage or input.
        """;

    private const string DescriptorHelp = "Becomes the folder's model.json. Default: the one that is there.";

    private const string StateHelp = "Name of the state dict in the checkpoint. Default: a usual one, or the only one.";

    private const string ByClassHelp = "The replay buffer is one run of chains per class, as JEM's is when it samples by class.";

    private const string CheckHelp = "Compare the energies of inputs with given ones before anything is written (two .npy files).";

    public static Command Create(CliEnvironment environment, string[] args)
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "File of torch.save, or safetensors." };
        var folder = new Argument<string>("model-folder") { Description = "Folder of the model, made if there is none." };
        var source = new Option<string>("--source") { Description = SourceHelp(), Required = true, HelpName = "NAME" };
        source.AcceptOnlyFromAmong([.. CheckpointSource.All.Select(each => each.Name)]);
        var descriptor = new Option<string?>("--descriptor") { Description = DescriptorHelp, HelpName = "FILE" };
        var version = new Option<string>("--version") { Description = "Name of the version to write.", DefaultValueFactory = _ =>
            "1", HelpName = "NAME" };
        var state = new Option<string?>("--state") { Description = StateHelp, HelpName = "NAME" };
        var byClass = new Option<bool>("--buffer-by-class") { Description = ByClassHelp };
        var check = new Option<string[]>("--check")
        {
            Description = CheckHelp, HelpName = "INPUTS OUTPUTS", Arity = new ArgumentArity(2, 2), AllowMultipleArgumentsPerToken = true,
        };
        var tolerance = new Option<double>("--tolerance")
        {
            Description = "Largest relative difference that --check allows.", DefaultValueFactory = _ => 1e-4, HelpName = "X",
        };
        var replace = new Option<bool>("--replace") { Description = "Replace the version, or model.json, if it exists." };
        var command = new Command("import", "Makes a model version of a checkpoint by PyTorch, or of safetensors.")
        {
            checkpoint, folder, source, descriptor, version, state, byClass, check, tolerance, replace,
        };
        command.SetAction(parsed => new ImportRunner(environment, new ImportRequest
        {
            Checkpoint = parsed.GetRequiredValue(checkpoint),
            ModelFolder = parsed.GetRequiredValue(folder),
            Source = CheckpointSource.All.Single(each => each.Name == parsed.GetRequiredValue(source)),
            Descriptor = parsed.GetValue(descriptor),
            Version = parsed.GetRequiredValue(version),
            State = parsed.GetValue(state),
            BufferByClass = parsed.GetValue(byClass),
            Check = parsed.GetValue(check) is [var inputs, var outputs] ? (inputs, outputs) : null,
            Tolerance = parsed.GetValue(tolerance),
            Replace = parsed.GetValue(replace),
            CommandText = CommandText.Of(args),
        }).Run());
        return command.WithNotes(Notes);
    }

    private static string SourceHelp() =>
        "Whose names the checkpoint has. " + string.Join("; ", CheckpointSource.All.Select(source => $"{source.Name}: {source.Title}"))
            + ".";
}

/// <summary>The options of <c>ebm import</c>.</summary>
internal sealed record ImportRequest
{
    public required string Checkpoint { get; init; }

    public required string ModelFolder { get; init; }

    public required CheckpointSource Source { get; init; }

    /// <value>A file that becomes <see cref="ModelFiles.Descriptor"/>; null where that is there.</value>
    public string? Descriptor { get; init; }

    public required string Version { get; init; }

    public string? State { get; init; }

    public bool BufferByClass { get; init; }

    /// <value>Two .npy files, or null.</value>
    public (string Inputs, string Outputs)? Check { get; init; }

    /// <value>Largest relative difference, above 0.</value>
    public double Tolerance { get; init; }

    public bool Replace { get; init; }

    /// <value>For provenance.</value>
    public required string CommandText { get; init; }
}
