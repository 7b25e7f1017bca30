using EbmService.Core.Files;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Imaging;
using EbmService.Inference.Models;
using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

/// <summary>One training run from folder to version.</summary>
internal sealed class TrainRunner(TrainRequest request, CliEnvironment environment)
{
    public int Run(CancellationToken cancellationToken)
    {
        TrainingPlan plan = ReadPlan();
        ITrainingData data = request.Data.ReadTraining(plan.Model.VisibleSchema());
        if (plan.FaultOf(data) is { } fault)
            throw CliException.BadInput($"the data does not fit the model: {fault}");
        string checkpoint = PrepareCheckpoint(plan);
        string pictures = request.Pictures ?? Path.GetDirectoryName(Path.GetFullPath(checkpoint))!;
        Directory.CreateDirectory(pictures);

        using ITrainingDisplay display = TrainingDisplays.Create(environment, plan.Recipe);
        var observer = new TrainingReporter(plan, pictures, display);
        using var trainer = new Trainer(plan.Recipe, plan.Model, data, checkpoint, observer, request.Data.Name);
        Announce(plan, data, trainer.Iteration, checkpoint);
        observer.Start(trainer.Iteration);
        TrainingEnd end = display.Run(() => trainer.Run(cancellationToken));
        observer.Finish();
        return end switch
        {
            TrainingEnd.Completed => Complete(plan, data, trainer, pictures),
            TrainingEnd.Cancelled => Stopped(trainer, checkpoint),
            _ => throw Diverged(plan, trainer, observer, checkpoint),
        };
    }

    private TrainingPlan ReadPlan()
    {
        if (!Directory.Exists(request.ModelFolder))
            throw CliException.BadInput(
                $"there is no folder '{request.ModelFolder}': it must hold {ModelFiles.Descriptor} and {TrainingPlan.RecipeFile}");
        if (!ModelNames.IsValid(request.Version))
            throw CliException.BadInput($"'{request.Version}' is not allowed as a version: use letters, digits, '.', '_' and '-'");
        if (!request.Replace && Directory.Exists(Path.Combine(request.ModelFolder, request.Version)))
            throw CliException.BadInput($"version '{request.Version}' exists: choose another --version, or --replace it");
        TrainingPlan plan = TrainingPlan.Read(request.ModelFolder, request.Config);
        return request.Iterations is { } iterations ? plan.WithIterations(iterations) : plan;
    }

    private string PrepareCheckpoint(TrainingPlan plan)
    {
        string checkpoint = request.Checkpoint ?? Path.Combine("training", plan.Model.Name, request.Version, "checkpoint.safetensors");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!);
        if (request.Restart)
            File.Delete(checkpoint);
        return checkpoint;
    }

    private void Announce(TrainingPlan plan, ITrainingData data, int iteration, string checkpoint)
    {
        environment.Out.WriteLine(
            $"Training {plan.Model.Name} on {request.Data.Name}: "
            + $"{data.Count - HeldOutSplit.HeldOutRows(plan.Recipe, data.Count).Count} rows, "
            + $"{plan.Recipe.Iterations} iterations of batch {plan.Recipe.BatchSize}, {plan.Recipe.ChainSteps} chain "
            + $"steps each, {plan.Recipe.Slots} slots.");
        if (iteration > 0)
            environment.Out.WriteLine(
                $"Resuming from iteration {iteration} of {plan.Recipe.Iterations} ({checkpoint}); --restart starts over.");
        if (iteration > plan.Recipe.Iterations)
            throw CliException.BadInput(
                $"the checkpoint has done {iteration} iterations, more than the {plan.Recipe.Iterations} asked for: raise "
                + "--iterations, or --restart");
    }

    private int Complete(TrainingPlan plan, ITrainingData data, Trainer trainer, string pictures)
    {
        var provenance = new ModelProvenance
        {
            Command = request.CommandText,
            Data = request.Data.Name,
            Seed = plan.Recipe.Seed,
            Seconds = Math.Round(trainer.Elapsed.TotalSeconds, 1),
            FinishedAt = DateTimeOffset.FromUnixTimeSeconds(environment.Clock.GetUtcNow().ToUnixTimeSeconds()),
            Software = SoftwareText.Current(),
        };
        ModelVersionContent content = TrainedVersionFactory.Create(trainer, plan, data, provenance);
        if (FilterGrid.Render(plan.Model, content.Weights) is { } filters)
            DurableFiles.Replace(Path.Combine(pictures, "filters.png"), filters);
        ModelVersionManifest manifest = ModelVersionWriter.Write(request.ModelFolder, request.Version, content, request.Replace);
        environment.Out.WriteLine(
            $"Done in {trainer.Elapsed:hh\\:mm\\:ss}. Wrote version {request.Version} to "
            + $"{Path.Combine(request.ModelFolder, request.Version)}: "
            + $"{string.Join(", ", manifest.Files.Keys.Order(StringComparer.Ordinal))}. Pictures and log: {pictures}.");
        return ExitCode.Ok;
    }

    private int Stopped(Trainer trainer, string checkpoint)
    {
        environment.Error.WriteLine(
            $"ebm: stopped at iteration {trainer.Iteration}; {checkpoint} is written, the same command goes on from there");
        return ExitCode.Cancelled;
    }

    private static CliException Diverged(TrainingPlan plan, Trainer trainer, TrainingReporter observer, string checkpoint)
    {
        string kept = File.Exists(checkpoint)
            ? $"the last good weights (iteration {trainer.Iteration}) are kept in {checkpoint}: '--iterations "
                + $"{trainer.Iteration}' makes a version of them"
            : $"there was no checkpoint yet (checkpointEvery is {plan.Recipe.CheckpointEvery}), so nothing is kept";
        return CliException.Failed(
            $"{TrainingAdvice.OfDivergence(plan.Recipe, observer.LastIteration)}; {kept}. "
            + $"To train on, {TrainingAdvice.AfterDivergence(plan.Recipe)} in {TrainingPlan.RecipeFile}, and start over with --restart");
    }
}
