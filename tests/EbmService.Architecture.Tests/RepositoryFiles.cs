using System.Reflection;
using Xunit;

namespace EbmService.Architecture.Tests;

/// <summary>Finds the repository's files from a test.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    public static string Configuration { get; } = Metadata("Configuration");

    /// <summary>All source files of the products, without what the build or EF Core generated.</summary>
    public static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "Migrations"))
            .Order(StringComparer.Ordinal);

    private static string Metadata(string key) =>
        Assert.Single(typeof(RepositoryFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>(), a => a.Key == key).Value!;
}
