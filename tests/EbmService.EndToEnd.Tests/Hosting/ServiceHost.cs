using System.Reflection;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>Where the built service and the fixtures lie, and how tests start it.</summary>
internal static class ServiceHost
{
    /// <summary>A model repository to use instead of the bundled one.</summary>
    private const string ModelsVariable = "EBM_TEST_MODELS";

    public const string Model = "mnist-jem";

    public static string Fixtures { get; } = PathOf("tests", "fixtures");

    private static string Assembly { get; } = AssemblyOf("EbmService.Api", "EbmService.Api.dll");

    /// <summary>Starts the service and waits until it is ready.</summary>
    public static Task<ServiceProcess> StartAsync(string dataPath, params (string Name, string Value)[] settings) =>
        Launch(dataPath, settings).ReadyAsync();

    /// <summary>Starts the service and waits for nothing.</summary>
    public static ServiceProcess Launch(string dataPath, params (string Name, string Value)[] settings) =>
        LaunchAt(dataPath, ServiceProcess.AnyPort, settings);

    /// <summary>Starts the service at an address, for example that of one before it.</summary>
    public static ServiceProcess LaunchAt(string dataPath, Uri address, params (string Name, string Value)[] settings)
    {
        Dictionary<string, string> all = settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        all["Storage__DataPath"] = dataPath;
        if (Environment.GetEnvironmentVariable(ModelsVariable) is { Length: > 0 } models)
            all["Models__Path"] = models;
        return ServiceProcess.Launch(Assembly, all, address);
    }

    /// <summary>A file or folder of the repository.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Metadata("RepositoryRoot"), .. parts]);

    /// <summary>The folder of the models that the service has.</summary>
    public static string Models =>
        Environment.GetEnvironmentVariable(ModelsVariable) is { Length: > 0 } models ? models : PathOf("deploy", "models");

    /// <summary>Copies the models, for a service that writes into them.</summary>
    public static void CopyModels(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(Models, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(Models, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>What a project of src built.</summary>
    public static string AssemblyOf(string project, string name) =>
        PathOf("src", project, "bin", Metadata("Configuration"), "net10.0", name);

    private static string Metadata(string key) =>
        typeof(ServiceHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
