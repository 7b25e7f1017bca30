using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>What a tensor inside a spec looks like: nested arrays or base64.</summary>
internal sealed class TensorSchemaFilter : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (context.Type != typeof(TensorPayload) || schema is not OpenApiSchema tensor || context.MemberInfo is not null)
            return;
        tensor.Description = "A tensor of finite float32 numbers; answers show the second form.";
        tensor.Type = null;
        tensor.Properties = null;
        tensor.Required = null;
        tensor.AdditionalPropertiesAllowed = true;
        tensor.OneOf =
        [
            new OpenApiSchema
            {
                Type = JsonSchemaType.Array, Items = new OpenApiSchema(), Description = "Nested arrays of finite numbers.",
            },
            Base64(),
        ];
    }

    private static OpenApiSchema Base64() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "Row-major and little-endian as base64.",
        AdditionalPropertiesAllowed = false,
        Required = new HashSet<string> { "dtype", "shape", "base64" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["dtype"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [JsonValue.Create("float32")] },
            ["shape"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "0" },
                MinItems = 1,
                MaxItems = 8,
                Description = "Sizes, outermost first.",
            },
            ["base64"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "byte" },
        },
    };
}
