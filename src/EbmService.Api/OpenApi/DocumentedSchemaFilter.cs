using System.Reflection;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>
/// Adds to a schema what the generator does not read: <c>value</c> documentation, the words of enums, and that members
/// with a default may be left out.
/// </summary>
internal sealed class DocumentedSchemaFilter(XmlSummaries summaries) : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema described || context.MemberInfo is not null || context.ParameterInfo is not null)
            return;
        Type type = Nullable.GetUnderlyingType(context.Type) ?? context.Type;
        if (type.IsEnum)
            DescribeWords(described, type);
        else
            DescribeMembers(described, type);
    }

    private void DescribeWords(OpenApiSchema schema, Type type)
    {
        (string Word, string? Text)[] words = [.. Enum.GetNames(type).Select(name => (Camel(name), summaries.OfField(type, name)))];
        if (words.All(word => word.Text is null))
            return;
        string list = string.Join('\n', words.Select(word => word.Text is null ? $"- `{word.Word}`" : $"- `{word.Word}`: {word.Text}"));
        schema.Description = $"{schema.Description}\n\n{list}".Trim();
    }

    private void DescribeMembers(OpenApiSchema schema, Type type)
    {
        foreach (PropertyInfo property in type.GetProperties())
        {
            if (schema.Properties?.TryGetValue(Camel(property.Name), out IOpenApiSchema? member) == true
                && member is OpenApiSchema described)
                described.Description = summaries.OfProperty(property.DeclaringType!, property.Name) ?? described.Description;
        }
        IEnumerable<ParameterInfo> optional = type.GetConstructors().SelectMany(constructor => constructor.GetParameters())
            .Where(parameter => parameter.HasDefaultValue);
        foreach (ParameterInfo parameter in optional)
            schema.Required?.Remove(Camel(parameter.Name!));
    }

    private static string Camel(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);
}

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
