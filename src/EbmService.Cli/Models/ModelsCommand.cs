using System.CommandLine;
using EbmService.Core.Models;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Models;

/// <summary><c>ebm models list</c> and <c>ebm models verify</c>.</summary>
internal static class ModelsCommand
{
    private const string Notes = """
        Reads every version as the service would at its start: descriptor, hashes, tensors. verify exits with 1 when one can't be served.

        Examples:
          ebm models list deploy/models
          ebm models verify deploy/models

        Exit codes: 0 all well, 1 a version can't be served (verify), 2 bad usage or input.
        """;

    public static Command Create(CliEnvironment environment) => new("models", "Lists or verifies a model repository.")
    {
        One(environment, "list", "Lists the versions of every model.", failed: ExitCode.Ok),
        One(environment, "verify", "Checks every version: files, hashes, tensors.", failed: ExitCode.Failed),
    };

    private static Command One(CliEnvironment environment, string name, string description, int failed)
    {
        var repository = new Argument<string>("repository") { Description = "Folder of models." };
        var command = new Command(name, description) { repository };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(repository);
            if (!Directory.Exists(folder))
                throw CliException.BadInput($"there is no folder '{folder}'");
            using ServiceProvider services = ModelHost.Create(Path.GetFullPath(folder));
            IReadOnlyList<HostedModel> models = services.GetRequiredService<IModelCatalog>().List();
            foreach (HostedModel model in models)
                environment.Out.WriteLine(Line(model));
            if (models.Count == 0)
                environment.Out.WriteLine("no models");
            return models.Any(model => model.State != ModelState.Ready) ? failed : ExitCode.Ok;
        });
        return command.WithNotes(Notes);
    }

    private static string Line(HostedModel model) => model.State == ModelState.Ready
        ? $"{model.Key}  ready  {model.ParameterCount} parameters, buffer of {model.BufferSize}, "
            + $"{(model.CalibrationId is null ? "not calibrated" : "calibrated")}  {model.Digest}"
        : $"{model.Key}  unavailable: {model.Reason}";
}
