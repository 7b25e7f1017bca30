using System.CommandLine;
using EbmService.Cli.Data;
using EbmService.Core.Models;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Training;

/// <summary><c>ebm calibrate</c>.</summary>
internal static class CalibrateCommand
{
    private const string Notes = """
        Scores the rows that the training held out and replaces calibration.safetensors of the version, for example after a change of its
        format. The same weights, training.json and data give the same file. Answers name it as calibrationId; the version's digest stays.

        Example:
          ebm calibrate deploy/models/two-moons --data two-moons

        Exit codes: 0 done, 1 failed, 2 bad usage or input.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json, training.json and a trained version." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var command = new Command("calibrate", "Calibrates a version's OOD scores anew on its held-out rows.") { folder, data, version };
        command.SetAction(parsed => Run(
            environment, parsed.GetRequiredValue(folder), DataSource.Parse(parsed.GetRequiredValue(data)), parsed.GetValue(version)));
        return command.WithNotes(Notes);
    }

    private static int Run(CliEnvironment environment, string folder, DataSource source, string? version)
    {
        (ServiceProvider services, string name) = ModelHost.Open(folder);
        using ServiceProvider scope = services;
        HostedModel model = ModelHost.Find(services, name, version);
        TrainingPlan plan = TrainingPlan.Read(folder);
        ITrainingData data = source.ReadTraining(plan.Model.Input);
        if (plan.FaultOf(data) is { } fault)
            throw CliException.BadInput($"the data does not fit the model: {fault}");
        int rows = HeldOutSplit.HeldOutRows(plan.Recipe, data.Count).Count;
        if (rows == 0)
            throw CliException.BadInput($"{TrainingPlan.RecipeFile} holds no rows out: there is nothing to calibrate on");
        LoadedModel loaded = services.GetRequiredService<ModelRepository>().Load(model.Key).OrThrow();
        (IReadOnlyDictionary<string, float[]> scores, float? mean) = TrainedVersionFactory.Recalibrate(plan, loaded.Weights, data);
        ModelVersionManifest manifest = ModelVersionWriter.ReplaceCalibration(
            Path.Combine(folder, model.Key.Version), model.Manifest!, scores, mean);
        string said = manifest.Files[ModelFiles.Calibration] == model.Manifest!.Files.GetValueOrDefault(ModelFiles.Calibration)
            ? "as it was"
            : "changed";
        environment.Out.WriteLine($"Calibrated {model.Key} on {rows} rows of {source.Name}: {ModelFiles.Calibration} is {said}.");
        return ExitCode.Ok;
    }
}
