using System.CommandLine;
using System.Globalization;
using EbmService.Core.Models;
using EbmService.Inference.Assessment;
using EbmService.Inference.Data;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Assessment;

/// <summary><c>ebm likelihood</c>.</summary>
internal static class LikelihoodCommand
{
    private const string Notes = """
        The mean log-probability, in nats per row, of test data under a restricted Boltzmann machine of binary units: log Z by annealed importance
        sampling forwards (low on average) and backwards from the machine's own samples (high on average). The truth is likely between the two; a wide
        gap says that neither is to be trusted: take more --steps. Grey levels become 0 and 1 with their level as probability, by a fixed seed.

        Example:
          ebm likelihood deploy/models/mnist-rbm --data mnist:data/mnist

        Exit codes: 0 done, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var data = new Option<string>("--data") { Description = DataSource.Help, Required = true, HelpName = "SOURCE" };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var chains = new Option<int>("--chains") { Description = "Chains each way.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var steps = new Option<int>("--steps") { Description = "Distributions between the base and the machine.", DefaultValueFactory = _ => 10_000, HelpName = "N" };
        var sweeps = new Option<int>("--sweeps") { Description = "Gibbs sweeps before the backward chains begin.", DefaultValueFactory = _ => 2000, HelpName = "N" };
        var seed = new Option<long>("--seed") { Description = "Of all chains.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var command = new Command("likelihood", "Estimates the test log-probability of a Boltzmann machine.") { folder, data, version, chains, steps, sweeps, seed };
        command.SetAction((parsed, cancellationToken) => Task.Run(() => Run(
            environment, parsed.GetRequiredValue(folder), DataSource.Parse(parsed.GetRequiredValue(data)), parsed.GetValue(version),
            new LikelihoodSettings(parsed.GetValue(chains), parsed.GetValue(steps), parsed.GetValue(sweeps), parsed.GetValue(seed)), cancellationToken), CancellationToken.None));
        return command.WithNotes(Notes);
    }

    private static int Run(
        CliEnvironment environment, string folder, DataSource source, string? version, LikelihoodSettings settings, CancellationToken cancellationToken)
    {
        if (settings.Chains < 2 || settings.Steps < 29 || settings.Sweeps < 0 || settings.Seed < 0)
            throw CliException.BadInput("likelihood needs at least 2 --chains, 29 --steps, 0 --sweeps and a --seed of 0 or more");
        (ServiceProvider services, string name) = ModelHost.Open(folder);
        using ServiceProvider scope = services;
        HostedModel model = ModelHost.Find(services, name, version);
        InputSchema input = model.Descriptor!.Input;
        ITrainingData training = source.ReadTraining(input), test = source.ReadTest(input);
        if ((TrainingPlan.FaultOf(training, input) ?? TrainingPlan.FaultOf(test, input)) is { } fault)
            throw CliException.BadInput($"the data does not fit the model: {fault}");
        LoadedModel loaded = services.GetRequiredService<ModelRepository>().Load(model.Key).OrThrow();
        LikelihoodReport report = LikelihoodAssessment.Run(
            loaded, training, test, settings, line => environment.Error.WriteLine($"ebm: {line}"), cancellationToken);
        environment.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {model.Key} on {source.Name}, {settings.Chains} chains, {settings.Steps} distributions, seed {settings.Seed}
            log Z             {report.LogZForward:F2} forwards [{report.LogZForwardSpread.Low:F2}, {report.LogZForwardSpread.High:F2}], {report.LogZReverse:F2} backwards [{report.LogZReverseSpread.Low:F2}, {report.LogZReverseSpread.High:F2}]
            test, per row     {report.TestForward:F2} nats forwards, {report.TestReverse:F2} backwards
            training, per row {report.TrainingForward:F2} nats forwards
            mean energy       {report.EnergyOfTest:F2} test, {report.EnergyOfTraining:F2} training
            """));
        return ExitCode.Ok;
    }
}
