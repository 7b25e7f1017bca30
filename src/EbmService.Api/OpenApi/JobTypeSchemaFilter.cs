using EbmService.Core.Jobs;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>Shows what depends on a job's type: one schema per type for the spec and for the metrics.</summary>
internal sealed class JobTypeSchemaFilter(JobTypeRegistry types) : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema described || context.MemberInfo is not null)
            return;
        if (context.Type == typeof(JobSpec))
        {
            (described.Type, described.Properties, described.AdditionalPropertiesAllowed) = (null, null, true);
            described.OneOf = OneOf(
                types.All.Select(type => type.Description.Spec), context.SchemaGenerator, context.SchemaRepository).OneOf;
        }
        else if (context.Type == typeof(JobProgress) || context.Type == typeof(JobProgressMessage))
        {
            described.Properties!["metrics"] = Metrics(context.SchemaRepository);
        }
    }

    internal static OpenApiSchema OneOf(IEnumerable<Type> alternatives, ISchemaGenerator generator, SchemaRepository repository) => new()
    {
        OneOf = [.. alternatives.Select(type => generator.GenerateSchema(type, repository))],
    };

    private OpenApiSchema Metrics(SchemaRepository repository) => new()
    {
        Description = "The named numbers of the job's type; one that is not known yet is absent.",
        AnyOf = [.. types.All.Where(type => type.Description.Metrics.Count > 0).Select(type => Metrics(type.Description, repository))],
    };

    private static IOpenApiSchema Metrics(JobTypeDescription type, SchemaRepository repository)
    {
        string id = $"{char.ToUpperInvariant(type.Name[0])}{type.Name[1..]}Metrics";
        if (!repository.Schemas.ContainsKey(id))
        {
            repository.AddDefinition(id, new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = $"Metrics of jobs of type {type.Name}.",
                AdditionalPropertiesAllowed = false,
                Properties = type.Metrics.ToDictionary(metric => metric.Name, IOpenApiSchema (metric) => new OpenApiSchema
                {
                    Type = JsonSchemaType.Number, Format = "double", Description = metric.Text,
                }),
            });
        }
        return new OpenApiSchemaReference(id);
    }
}
