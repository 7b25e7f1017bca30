using EbmService.Cli.Sampling;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference;
using EbmService.Inference.Devices;
using EbmService.Inference.Assessment;
using EbmService.Inference.Models;
using EbmService.Inference.Tasks;
using EbmService.Inference.Tuning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbmService.Cli;

/// <summary>The composition root of commands that ask a model: what the service has, without queue and HTTP.</summary>
internal static class InferenceHost
{
    /// <param name="modelFolder">A model's folder; its parent is the repository.</param>
    public static (ServiceProvider Services, string ModelName) Open(string modelFolder, CliEnvironment environment)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder));
        if (!Directory.Exists(folder))
            throw CliException.BadInput($"there is no folder '{modelFolder}': it must hold {ModelFiles.Descriptor} and a version");
        return (Create(Path.GetDirectoryName(folder)!, environment), Path.GetFileName(folder));
    }

    public static ServiceProvider Create(string repository, CliEnvironment environment)
    {
        var services = new ServiceCollection();
        // What is wrong with a model reaches the user as the command's own sentence.
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.Configure<ModelsOptions>(options => (options.Path, options.AllowedLinkTargets) = (repository, AllowedLinkTargets()));
        services.Configure<DeviceOptions>(_ => { });
        services.AddSingleton(environment.Clock);
        services.AddSingleton<IJobInputs, StartPoints>();
        services.AddInference();
        services.AddSingleton<LocalJobRunner>();
        services.AddSingleton<BlockSizeTuner>();
        services.AddSingleton<PlaneEnergy>();
        services.AddSingleton<PrecisionComparison>();
        services.AddSingleton<RecipeSampler>();
        services.AddSingleton<ImageSampleAssessment>();
        services.AddSingleton<VectorSampleAssessment>();
        services.AddSingleton<ModelAssessment>();
        return services.BuildServiceProvider();
    }

    /// <summary>The asked version, or the newest ready one.</summary>
    public static HostedModel Find(ServiceProvider services, string name, string? version) =>
        services.GetRequiredService<IModelCatalog>().Find(name, version).OrThrow();

    /// <summary>As the service reads them of its environment.</summary>
    private static string[] AllowedLinkTargets() =>
        [.. Enumerable.Range(0, 16)
            .Select(i => Environment.GetEnvironmentVariable($"{ModelsOptions.Section}__{nameof(ModelsOptions.AllowedLinkTargets)}__{i}"))
            .OfType<string>()];
}
