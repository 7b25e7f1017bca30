using EbmService.Core.Models;
using EbmService.Inference;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbmService.Cli;

/// <summary>The composition root of commands that look at models and run no jobs; those that do open a <see cref="Engine.LocalEngine"/>.</summary>
internal static class ModelHost
{
    /// <param name="modelFolder">A model's folder; its parent is the repository.</param>
    public static (ServiceProvider Services, string ModelName) Open(string modelFolder)
    {
        (string repository, string name) = Locate(modelFolder);
        return (Create(repository), name);
    }

    public static ServiceProvider Create(string repository)
    {
        var services = new ServiceCollection();
        // What is wrong with a model reaches the user as the command's own sentence.
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        return services.AddModels(repository).BuildServiceProvider();
    }

    /// <summary>Everything that computes, over the models of a folder.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services, string repository)
    {
        services.Configure<ModelsOptions>(options =>
        {
            (options.Path, options.AllowedLinkTargets, options.AllowTorchScript) = (repository, AllowedLinkTargets(), AllowsTorchScript());
            // A command works with one model of the folder.
            options.WarmUp = false;
            // Nor does it add any by a request.
            options.AllowComposition = false;
        });
        services.Configure<DeviceOptions>(_ => { });
        return services.AddInference();
    }

    /// <summary>The repository and the name that a model's folder stands for.</summary>
    public static (string Repository, string ModelName) Locate(string modelFolder)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder));
        return Directory.Exists(folder)
            ? (Path.GetDirectoryName(folder)!, Path.GetFileName(folder))
            : throw CliException.BadInput($"there is no folder '{modelFolder}': it must hold {ModelFiles.Descriptor} and a version");
    }

    /// <summary>The asked version, or the newest ready one.</summary>
    public static HostedModel Find(IServiceProvider services, string name, string? version) =>
        services.GetRequiredService<IModelCatalog>().Find(name, version).OrThrow();

    /// <summary>As the service reads them of its environment.</summary>
    private static string[] AllowedLinkTargets() =>
        [.. Enumerable.Range(0, 16)
            .Select(i => Environment.GetEnvironmentVariable($"{ModelsOptions.Section}__{nameof(ModelsOptions.AllowedLinkTargets)}__{i}"))
            .OfType<string>()];

    private static bool AllowsTorchScript()
    {
        string? value = Environment.GetEnvironmentVariable($"{ModelsOptions.Section}__{nameof(ModelsOptions.AllowTorchScript)}");
        return bool.TryParse(value, out bool allows) && allows;
    }
}
