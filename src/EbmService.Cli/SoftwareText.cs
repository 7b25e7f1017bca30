using System.Reflection;
using System.Runtime.InteropServices;
using EbmService.Inference.Training;

namespace EbmService.Cli;

/// <summary>The software that made a version, as its provenance records it.</summary>
internal static class SoftwareText
{
    public static string Current()
    {
        string? version = typeof(SoftwareText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        string? torch = typeof(TrainingPlan).Assembly.GetReferencedAssemblies()
            .FirstOrDefault(name => name.Name == "TorchSharp")?.Version?.ToString(3);
        return $"ebm {version}, {RuntimeInformation.FrameworkDescription}, TorchSharp {torch}, {RuntimeInformation.OSArchitecture}";
    }
}
