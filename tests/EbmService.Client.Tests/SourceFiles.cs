using System.Reflection;

namespace EbmService.Client.Tests;

/// <summary>Files of the repository that tests read.</summary>
internal static class SourceFiles
{
    internal static string PathOf(params string[] parts) => Path.Combine(
    [
        typeof(SourceFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "RepositoryRoot").Value!, .. parts,
    ]);
}
