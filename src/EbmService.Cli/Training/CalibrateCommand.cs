using System.CommandLine;
using EbmService.Core.Models;
using EbmService.Inference.Data;
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
        A model folder without training.json holds a network that was trained elsewhere: then every row of the data is scored, so give
        rows that it was not trained on.

        With --fit N the calibration also brings the fitted scores (mahalanobis, nearestNeighbour, classDensity, combined and others):
        fitted on N of the rows that the network was trained on; then every second held-out row serves as reference for what is
        combined, and all scores are calibrated on the others. Without training.json the first N rows are fitted on.

        Examples:
          ebm calibrate deploy/models/two-moons --data two-moons
          ebm calibrate deploy/models/mnist-jem --data mnist:data/mnist --fit 10000

        Exit codes: 0 done, 1 failed, 2 bad usage or input.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and a version." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var fit = new Option<int?>("--fit") { Description = "Rows to fit further scores on.", HelpName = "ROWS" };
        var command = new Command("calibrate", "Calibrates a version's OOD scores on held-out rows.") { folder, data, version, fit };
        command.SetAction(parsed => Run(
            environment, parsed.GetRequiredValue(folder), DataSource.Parse(parsed.GetRequiredValue(data)), parsed.GetValue(version), parsed.GetValue(fit)));
        return command.WithNotes(Notes);
    }

    private static int Run(CliEnvironment environment, string folder, DataSource source, string? version, int? fitRows)
    {
        (ServiceProvider services, string name) = ModelHost.Open(folder);
        using ServiceProvider scope = services;
        HostedModel model = ModelHost.Find(services, name, version);
        TrainingPlan? plan = File.Exists(Path.Combine(folder, TrainingPlan.RecipeFile)) ? TrainingPlan.Read(folder) : null;
        InputSchema input = model.VisibleSchema();
        ITrainingData data = source.ReadTraining(input);
        if ((plan is null ? TrainingPlan.FaultOf(data, input) : plan.FaultOf(data)) is { } fault)
            throw CliException.BadInput($"the data does not fit the model: {fault}");
        IReadOnlyList<int> rows = plan is null ? [.. Enumerable.Range(0, data.Count)] : HeldOutSplit.HeldOutRows(plan.Recipe, data.Count);
        if (rows.Count == 0)
            throw CliException.BadInput($"{TrainingPlan.RecipeFile} holds no rows out: there is nothing to calibrate on");
        LoadedModel loaded = services.GetRequiredService<ModelRepository>().Load(model.Key).OrThrow();
        CalibrationContent calibration = fitRows is null
            ? TrainedVersionFactory.Recalibrate(loaded, data, rows)
            : TrainedVersionFactory.RecalibrateFitted(loaded, data, FitRows(fitRows.Value, plan, data, ref rows), rows, _ => { });
        ModelVersionManifest manifest = ModelVersionWriter.ReplaceCalibration(Path.Combine(folder, model.Key.Version), model.Manifest!, calibration);
        string said = manifest.Files[ModelFiles.Calibration] == model.Manifest!.Files.GetValueOrDefault(ModelFiles.Calibration)
            ? "as it was"
            : "changed";
        environment.Out.WriteLine($"Calibrated {model.Key} on {rows.Count} rows of {source.Name}: {ModelFiles.Calibration} is {said}.");
        return ExitCode.Ok;
    }

    /// <returns>The rows to fit on, which are taken out of <paramref name="held"/> where the data's training rows are not known.</returns>
    private static IReadOnlyList<int> FitRows(int count, TrainingPlan? plan, ITrainingData data, ref IReadOnlyList<int> held)
    {
        IReadOnlyList<int> known = plan is null ? held : HeldOutSplit.TrainingRows(plan.Recipe, data.Count);
        if (count < 8 || count > known.Count - (plan is null ? 4 : 0) || held.Count < 4)
            throw CliException.BadInput($"--fit must be between 8 and the {known.Count} rows there are, with at least 4 others held out");
        if (plan is null)
            held = [.. held.Skip(count)];
        return [.. known.Take(count)];
    }
}
