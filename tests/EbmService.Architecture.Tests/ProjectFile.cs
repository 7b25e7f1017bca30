using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace EbmService.Architecture.Tests;

/// <summary>A csproj as written, and the assembly that it built.</summary>
internal sealed class ProjectFile
{
    private readonly XDocument document;
    private readonly string path;

    private ProjectFile(string path)
    {
        this.path = path;
        document = XDocument.Load(path);
    }

    public string Name => Path.GetFileNameWithoutExtension(path)["EbmService.".Length..];

    public string Sdk => document.Root!.Attribute("Sdk")?.Value ?? "";

    public IEnumerable<string> Packages => Includes("PackageReference");

    public IEnumerable<string> Frameworks => Includes("FrameworkReference");

    public IEnumerable<string> Projects =>
        Includes("ProjectReference")
            .Select(include => Path.GetFileNameWithoutExtension(include.Replace('\\', '/'))["EbmService.".Length..]);

    public static IReadOnlyList<ProjectFile> All { get; } =
        [.. Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Select(path => new ProjectFile(path))];

    /// <summary>The value of a metadata (attribute or element) of a package reference, or empty.</summary>
    public string PackageMetadata(string package, string name)
    {
        XElement item = document.Descendants("PackageReference").Single(element => element.Attribute("Include")?.Value == package);
        return item.Attribute(name)?.Value ?? item.Element(name)?.Value ?? "";
    }

    /// <summary>The names of the assemblies that the compiled project really refers to.</summary>
    public IReadOnlyList<string> ReferencedAssemblies()
    {
        string assembly = document.Descendants("AssemblyName").FirstOrDefault()?.Value ?? "EbmService." + Name;
        string built = Path.Combine(Path.GetDirectoryName(path)!, "bin", RepositoryFiles.Configuration, "net10.0", assembly + ".dll");
        using FileStream stream = File.OpenRead(built);
        using var reader = new PEReader(stream);
        MetadataReader metadata = reader.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }

    private IEnumerable<string> Includes(string item) =>
        document.Descendants(item).Select(element => element.Attribute("Include")?.Value).OfType<string>();
}
