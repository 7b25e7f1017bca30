using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Cli.Tests;

/// <summary>Runs commands in this process, with a folder of their own and captured output.</summary>
public sealed class CliTestBed : IDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("ebm-cli-tests-").FullName;

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    internal Func<HttpMessageHandler> Http { get; set; } = () => throw new InvalidOperationException("no download is expected");

    /// <summary>A model that comes with the service; of an empty name, the folder of them all.</summary>
    public static string Bundled(string model)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EbmService.sln")))
            folder = folder.Parent;
        return Path.Combine(folder!.FullName, "deploy", "models", model);
    }

    public string PathOf(params string[] parts) => Path.Combine([_root, .. parts]);

    public async Task<int> RunAsync(params string[] args) => await RunAsync(CancellationToken.None, args);

    public async Task<int> RunAsync(CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var environment = new CliEnvironment
        {
            Out = output, Error = error, Interactive = false, Clock = new FakeTimeProvider(Now), Http = Http,
        };
        int code = await CliApplication.RunAsync(args, environment, cancellationToken);
        (Out, Error) = (output.ToString(), error.ToString());
        return code;
    }

    /// <summary>A folder with a small model of the plane and a short recipe.</summary>
    /// <param name="recipe">Members of training.json that differ from the short recipe's.</param>
    public string WriteModel(string name = "moons", string recipe = "")
    {
        string folder = PathOf("models", name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, ModelFiles.Descriptor), $$"""
            {
              "name": "{{name}}", "title": "Test",
              "architecture": { "kind": "mlp", "hidden": [8] },
              "input": { "kind": "vector", "shape": [2], "min": -3, "max": 3 },
              "recipes": { "moons": { "steps": 10, "stepSize": 0.01, "temperature": 1 } },
              "defaultRecipe": "moons"
            }
            """);
        File.WriteAllText(Path.Combine(folder, TrainingPlan.RecipeFile), $$"""
            {
              "iterations": 6, "seed": 7, "batchSize": 16, "bufferSize": 32, "heldOut": 50,
              "chain": { "steps": 3, "stepSize": 0.01, "temperature": 1, "start": "buffer" },
              "checkpointEvery": 2, "pictureEvery": 3{{recipe}}
            }
            """);
        return folder;
    }

    public string[] Train(string folder, params string[] more) =>
        ["train", folder, "--data", "two-moons", "--checkpoint", PathOf("run", "checkpoint.safetensors"), .. more];

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
