using System.Text.Json;
using System.Xml.Linq;

namespace EbmService.Api.OpenApi;

/// <summary>What the XML documentation files say of members, as one line each.</summary>
internal sealed class XmlSummaries
{
    private readonly Dictionary<string, string> _texts = [];

    internal XmlSummaries(IEnumerable<string> paths)
    {
        foreach (XElement member in paths.Where(File.Exists).SelectMany(path => XDocument.Load(path).Descendants("member")))
        {
            if (member.Attribute("name") is { } name && (member.Element("value") ?? member.Element("summary")) is { } text)
                _texts[name.Value] = ToLine(text);
        }
    }

    internal string? OfField(Type type, string name) => _texts.GetValueOrDefault($"F:{NameOf(type)}.{name}");

    internal string? OfProperty(Type type, string name) => _texts.GetValueOrDefault($"P:{NameOf(type)}.{name}");

    private static string NameOf(Type type) => (type.FullName ?? type.Name).Replace('+', '.');

    /// <summary>A reference is the word that it stands for in JSON.</summary>
    private static string ToLine(XElement text)
    {
        foreach (XElement reference in text.Descendants("see").Where(see => see.Attribute("cref") is not null).ToArray())
            reference.ReplaceWith($"`{JsonNamingPolicy.CamelCase.ConvertName(reference.Attribute("cref")!.Value.Split('.', ':')[^1])}`");
        foreach (XElement code in text.Descendants("c").ToArray())
            code.ReplaceWith($"`{code.Value}`");
        return string.Join(' ', text.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
