using System.Xml.Linq;
using Xunit;

namespace EbmService.Architecture.Tests;

/// <summary>Who may name whom, in the project files and in the compiled assemblies.</summary>
public sealed class WallTests
{
    public static TheoryData<string> Projects => [.. ProjectFile.All.Select(project => project.Name)];

    [Fact]
    public void Projects_AllOfThem_HaveAWall()
    {
        Assert.Contains("Core", ProjectFile.All.Select(project => project.Name));
        Assert.All(ProjectFile.All, project => Assert.Contains(project.Name, ProjectWall.All.Select(wall => wall.Name)));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectFile_References_StayInsideTheWall(string name)
    {
        (ProjectFile project, ProjectWall wall) = Find(name);

        Assert.Empty(project.Projects.Except(wall.Projects));
        Assert.DoesNotContain(project.Packages, package => !wall.AllowsPackage(package));
        Assert.True(wall.AspNet || (project.Sdk != "Microsoft.NET.Sdk.Web" && !project.Frameworks.Any()),
            "ASP.NET Core is not for this project");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Assembly_References_StayInsideTheWall(string name)
    {
        (ProjectFile project, ProjectWall wall) = Find(name);
        IReadOnlyList<string> referenced = project.ReferencedAssemblies();

        Assert.NotEmpty(referenced);
        Assert.DoesNotContain(referenced, assembly => !wall.AllowsAssembly(assembly));
    }

    [Theory]
    [InlineData("TorchSharp")]
    [InlineData("SkiaSharp")]
    [InlineData("ScottPlot")]
    [InlineData("MathNet.Numerics")]
    [InlineData("Sylvan.Data.Csv")]
    public void InferencePackage_CompileAssets_ArePrivate(string package) =>
        Assert.Contains("compile", Find("Inference").Project.PackageMetadata(package, "PrivateAssets").Split(';'));

    [Theory]
    [InlineData("DisableTransitiveProjectReferences")]
    [InlineData("TreatWarningsAsErrors")]
    public void DirectoryBuildProps_Switch_IsOn(string property) =>
        Assert.Equal("true",
            Assert.Single(XDocument.Load(Path.Combine(RepositoryFiles.Root, "Directory.Build.props")).Descendants(property)).Value);

    [Theory]
    [InlineData("Jobs", "TorchSharp", false)]
    [InlineData("Jobs", "EbmService.Inference", false)]
    [InlineData("Jobs", "Microsoft.AspNetCore.Http", false)]
    [InlineData("Api", "TorchSharp", false)]
    [InlineData("Cli", "ScottPlot", false)]
    [InlineData("Inference", "ScottPlot", true)]
    [InlineData("Cli", "Microsoft.AspNetCore", false)]
    [InlineData("Inference", "EbmService.Jobs", false)]
    [InlineData("Core", "Microsoft.Extensions.Options", false)]
    [InlineData("Core", "System.Text.Json", true)]
    [InlineData("Inference", "TorchSharp", true)]
    [InlineData("Api", "EbmService.Jobs", true)]
    [InlineData("Cli", "EbmService.Jobs", true)]
    [InlineData("Cli", "EbmService.Api", false)]
    [InlineData("Cli", "TorchSharp", false)]
    public void Wall_KnownNeighbour_AnswersAsTheDesignSays(string project, string assembly, bool allowed) =>
        Assert.Equal(allowed, ProjectWall.All.Single(wall => wall.Name == project).AllowsAssembly(assembly));

    private static (ProjectFile Project, ProjectWall Wall) Find(string name) =>
        (ProjectFile.All.Single(project => project.Name == name), ProjectWall.All.Single(wall => wall.Name == name));
}
