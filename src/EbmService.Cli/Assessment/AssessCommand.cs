using System.CommandLine;
using System.Text.Json;
using EbmService.Cli.Engine;
using EbmService.Core.Files;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Assessment;
using EbmService.Inference.Data;
using EbmService.Inference.Models;
using EbmService.Inference.Training;

namespace EbmService.Cli.Assessment;

/// <summary><c>ebm assess</c>.</summary>
internal static class AssessCommand
{
    private const string Notes = """
        --long-run runs chains of a recipe ten times as long as the recipe says and looks where they stop being like data: where their mean energy leaves
        what data have, or pictures saturate. With --update-card the range of steps goes into version.json and README.md of the model, and a
        sampling job beyond it gets a warning.

        Example:
          ebm assess deploy/models/mnist-jem --long-run --data mnist:data/mnist --update-card

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment, string[] args)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var longRun = new Option<bool>("--long-run") { Description = "Look where long chains leave the data." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var recipe = new Option<string?>("--recipe") { Description = "Default: the model's own.", HelpName = "NAME" };
        var steps = new Option<int?>("--steps") { Description = "How long. Default: ten times the recipe's steps.", HelpName = "N" };
        var chains = new Option<int>("--chains") { Description = "How many.", DefaultValueFactory = _ => 50, HelpName = "N" };
        var seed = new Option<long>("--seed") { Description = "Of all chains.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var output = new Option<string?>("--out") { Description = "Default: evaluation/NAME/VERSION.", HelpName = "DIR" };
        var update = new Option<bool>("--update-card") { Description = "Write the range into the model's version.json and README.md." };
        var command = new Command("assess", "Checks what a model's chains are good for.") { folder, longRun, data, version, recipe, steps, chains, seed, output, update };
        command.SetAction((parsed, cancellationToken) =>
        {
            if (!parsed.GetValue(longRun))
                throw CliException.BadInput("say what to assess: --long-run");
            var settings = new LongRunSettings(parsed.GetValue(recipe), parsed.GetValue(steps), parsed.GetValue(chains), parsed.GetValue(seed));
            var run = new LongRunRunner(
                environment, parsed.GetRequiredValue(folder), DataSource.Parse(parsed.GetRequiredValue(data)), CommandText.Of(args));
            return run.RunAsync(settings, parsed.GetValue(version), parsed.GetValue(output), parsed.GetValue(update), cancellationToken);
        });
        return command.WithNotes(Notes);
    }
}

/// <summary>A long-run check from data to card.</summary>
internal sealed class LongRunRunner(CliEnvironment environment, string modelFolder, DataSource source, string command)
{
    public async Task<int> RunAsync(LongRunSettings settings, string? version, string? output, bool updateCard, CancellationToken cancellationToken)
    {
        if (settings.Chains < 2 || settings.Steps < 2)
            throw CliException.BadInput("assess needs at least 2 --chains and 2 --steps");
        await using LocalEngine engine = LocalEngine.Open(modelFolder);
        HostedModel model = engine.Find(version);
        InputSchema input = model.Descriptor!.Input;
        ITrainingData data = source.ReadTest(input);
        if (TrainingPlan.FaultOf(data, input) is { } fault)
            throw CliException.BadInput($"the data does not fit the model: {fault}");
        environment.Out.WriteLine($"Assessing {model.Key} on {source.Name}.");
        (LongRunReport report, IReadOnlyDictionary<string, byte[]> pictures) = await engine.Get<LongRunAssessment>().RunAsync(
            model, source.Name, data, settings, environment.Out.WriteLine, cancellationToken);
        string folder = output ?? Path.Combine("evaluation", model.Key.Name, model.Key.Version);
        Directory.CreateDirectory(folder);
        DurableFiles.Replace(Path.Combine(folder, "long-run.json"), JsonSerializer.SerializeToUtf8Bytes(report, EbmJson.Indented));
        foreach ((string name, byte[] png) in pictures)
            DurableFiles.Replace(Path.Combine(folder, name), png);
        environment.Out.WriteLine(LongRunAssessment.Render(report));
        environment.Out.WriteLine($"Wrote long-run.json and {pictures.Count} pictures to {folder}.");
        if (updateCard)
            UpdateCard(model, report, pictures);
        return ExitCode.Ok;
    }

    private void UpdateCard(HostedModel model, LongRunReport report, IReadOnlyDictionary<string, byte[]> pictures)
    {
        var ranges = new Dictionary<string, StepRange>(model.Manifest!.ValidSteps);
        ranges.Remove(report.Recipe);
        if (report.Valid is { } valid)
            ranges[report.Recipe] = valid;
        ModelVersionWriter.WriteManifest(Path.Combine(modelFolder, model.Key.Version), model.Manifest with { ValidSteps = ranges });
        string folder = Path.Combine(modelFolder, "pictures");
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] png) in pictures)
            DurableFiles.Replace(Path.Combine(folder, name), png);
        ModelCardFile.Update(
            Path.Combine(modelFolder, "README.md"), model, $"## Long chains\n\n`{command}`, version {model.Key.Version}:\n\n{LongRunAssessment.Render(report)}", pictures.Keys, "long-run");
        environment.Out.WriteLine($"Wrote the range into {ModelFiles.Manifest} and README.md.");
    }
}
