using System.Text.RegularExpressions;
using Xunit;

namespace EbmService.Architecture.Tests;

/// <summary>Nothing outside a model family's folder names one of its types: rules ask for capabilities.</summary>
public sealed partial class ArchitectureTypeTests
{
    private const string Families = "src/EbmService.Inference/Architectures/";
    private const string Registry = Families + "ArchitectureRegistry.cs";

    /// <summary>Who may make, never test for, a family's spec, and why.</summary>
    private static readonly Dictionary<string, string> Makers = new()
    {
        ["ComposedVersion.cs"] = "a composition of hosted models is written as its family's spec",
        ["IndependentClassifier.cs"] = "the judge of samples builds a network of its own",
        ["ComposedArchitecture.cs"] = "its examples have parts of other families",
        ["ComposedVersion.cs"] = "a composition is made of hosted models, by request",
    };

    [Fact]
    public void Sources_OutsideAFamilysFolder_NameNoneOfItsTypes()
    {
        string[] faults = [.. RepositoryFiles.Sources()
            .SelectMany(path => Faults(path, File.ReadAllText(Path.Combine(RepositoryFiles.Root, path))))];

        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("if (model.Architecture.Spec() is MlpSpec mlp)")]
    [InlineData("MlpSpec => 1,")]
    [InlineData("(MlpSpec)spec")]
    [InlineData("typeof(MlpArchitecture)")]
    public void Faults_ATypeTest_IsFound(string code) => Assert.NotEmpty(Faults("src/EbmService.Core/Sampling/Rules.cs", code));

    [Fact]
    public void Families_Folders_HaveTypes() =>
        Assert.True(TypesByFamily().Count >= 7 && TypesByFamily().All(family => family.Value.Count >= 2));

    private static IEnumerable<string> Faults(string path, string text)
    {
        string code = Comments().Replace(text, "");
        bool makes = Makers.ContainsKey(Path.GetFileName(path));
        foreach ((string family, IReadOnlyList<string> types) in TypesByFamily())
        {
            if (path.StartsWith(family, StringComparison.Ordinal))
                continue;
            foreach (string type in types)
            {
                string allowed = path == Registry ? $@"new {type}\(\)" : makes ? $@"static {type} |static readonly {type} |new {type}\(|new\(" : "(?!)";
                if (Regex.IsMatch(Regex.Replace(code, allowed, ""), $@"\b{type}\b"))
                    yield return $"{path}: {type}";
            }
        }
    }

    /// <summary>Names of the types that a family's files declare, by folder.</summary>
    private static IReadOnlyDictionary<string, IReadOnlyList<string>> TypesByFamily() => RepositoryFiles.Sources()
        .Where(path => path.StartsWith(Families, StringComparison.Ordinal) && path[Families.Length..].Contains('/'))
        .GroupBy(path => path[..(path.LastIndexOf('/') + 1)])
        .ToDictionary(family => family.Key, family => (IReadOnlyList<string>)
            [.. family.SelectMany(
                path => Declarations().Matches(File.ReadAllText(Path.Combine(RepositoryFiles.Root, path)))
                .Select(match => match.Groups[1].Value))]);

    [GeneratedRegex(@"^(?:public|internal) (?:(?:sealed|abstract|static|readonly|partial) )*(?:class|record struct|record|struct|interface|enum) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declarations();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comments();
}
