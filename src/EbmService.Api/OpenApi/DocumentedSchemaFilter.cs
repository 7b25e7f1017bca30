using System.Reflection;
using System.Text.Json;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>Adds to a schema what the generator does not read: <c>value</c> documentation, the words of enums, and that members with a default may be left out.</summary>
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
            if (schema.Properties?.TryGetValue(Camel(property.Name), out IOpenApiSchema? member) == true && member is OpenApiSchema described)
                described.Description = summaries.OfProperty(property.DeclaringType!, property.Name) ?? described.Description;
        }
        IEnumerable<ParameterInfo> optional = type.GetConstructors().SelectMany(constructor => constructor.GetParameters()).Where(parameter => parameter.HasDefaultValue);
        foreach (ParameterInfo parameter in optional)
            schema.Required?.Remove(Camel(parameter.Name!));
    }

    private static string Camel(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);
}
