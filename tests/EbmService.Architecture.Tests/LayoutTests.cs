using Xunit;

namespace EbmService.Architecture.Tests;

/// <summary>What lies where, and how long files may be.</summary>
public sealed class LayoutTests
{
    private const int MaxLines = 400;

    /// <summary>Longer files, each with its reason.</summary>
    private static readonly Dictionary<string, string> LongFiles = [];

    private static readonly string[] TopLevel =
    [
        "src", "tests", "deploy", "docs", ".ci", "Dockerfile", "docker-compose.yml", "EbmService.sln", "appsettings.json",
        "README.md", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json",
        ".editorconfig", ".gitignore", ".dockerignore",
    ];

    // Not in the repository: git's own, and what .gitignore names.
    private static readonly string[] Untracked =
        [".git", "shared", "data", "artifacts", "bin", "obj", "TestResults", ".vs", ".vscode", ".idea"];

    [Fact]
    public void TopLevel_Entries_AreTheNamedOnes() =>
        Assert.Empty(Directory.EnumerateFileSystemEntries(RepositoryFiles.Root).Select(path => Path.GetFileName(path)!)
            .Except(TopLevel).Except(Untracked));

    [Fact]
    public void Sources_Length_IsAtMost400Lines()
    {
        Dictionary<string, int> lengths = RepositoryFiles.Sources()
            .ToDictionary(path => path, path => File.ReadLines(Path.Combine(RepositoryFiles.Root, path)).Count());

        Assert.True(lengths.Count > 20);
        Assert.Empty(lengths.Where(file => file.Value > MaxLines && !LongFiles.ContainsKey(file.Key))
            .Select(file => $"{file.Key}: {file.Value}"));
        Assert.All(LongFiles.Keys, path => Assert.True(lengths.GetValueOrDefault(path) > MaxLines, $"{path} needs no exception any more"));
    }

    [Fact]
    public void Projects_Folder_IsNamedLikeTheProject()
    {
        string[] projects = Directory.GetFiles(
            RepositoryFiles.Root, "*.csproj", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3 });

        Assert.NotEmpty(projects);
        Assert.All(projects, path => Assert.Equal(Path.GetFileNameWithoutExtension(path), Path.GetFileName(Path.GetDirectoryName(path))));
    }

    [Fact]
    public void Solution_EveryProject_IsInIt()
    {
        string solution = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "EbmService.sln"));
        foreach (string folder in (string[])["src", "tests"])
            foreach (string project in Directory.GetFiles(
                Path.Combine(RepositoryFiles.Root, folder), "*.csproj", SearchOption.AllDirectories))
                Assert.Contains(Path.GetFileName(project), solution, StringComparison.Ordinal);
    }
}
