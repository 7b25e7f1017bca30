using System.Reflection;

namespace EbmService.Inference.JobTypes;

/// <summary>What made a result, for cards and provenance.</summary>
internal static class ServiceSoftware
{
    public static string Text { get; } =
        "EbmService " + typeof(ServiceSoftware).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
