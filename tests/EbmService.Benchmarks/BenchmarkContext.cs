using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks;

/// <summary>What measurements share: the options, and a folder that goes with the run.</summary>
internal sealed class BenchmarkContext(BenchmarkOptions options, string folder)
{
    private int _services;

    public BenchmarkOptions Options => options;

    /// <value>A repository with copies of the bundled models and the generated ones.</value>
    public BenchmarkModels Models { get; } = new(options.ModelsPath, Path.Combine(folder, "models"));

    /// <summary>A service of its own data, over <see cref="Models"/>.</summary>
    /// <param name="slots">Blocks advanced at once; 0 for the machine's number.</param>
    /// <param name="dataPath">Where the data lies; null: in the run's folder.</param>
    /// <param name="allowTorchScript">Whether modules are served.</param>
    /// <param name="trainingData">The folder of named data sets; null: the service does not train.</param>
    /// <param name="settings">Further ones, as environment variables.</param>
    public Task<ServiceProcess> StartServiceAsync(
        int slots = 0, string? dataPath = null, bool allowTorchScript = false, string? trainingData = null, IReadOnlyDictionary<string, string>? settings = null) => ServiceProcess.Launch(
        BenchmarkOptions.ServiceAssembly,
        new Dictionary<string, string>(settings ?? new Dictionary<string, string>())
        {
            ["Storage__DataPath"] = dataPath ?? Path.Combine(folder, $"data-{_services++}"),
            ["Models__Path"] = Models.Folder,
            ["Training__Enabled"] = trainingData is null ? "false" : "true",
            ["Data__Path"] = trainingData ?? "",
            ["Models__AllowTorchScript"] = allowTorchScript ? "true" : "false",
            ["Worker__Slots"] = slots.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }).ReadyAsync();

    public static void Say(string line) => Console.WriteLine(line);
}
