using System.Text.Json.Nodes;
using EbmService.Api.Errors;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>Adds what the endpoints say about themselves by metadata: bodies, examples, headers, failures.</summary>
internal sealed class OperationDetailsFilter : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        RequestExampleSet? examples = metadata.OfType<RequestExampleSet>().FirstOrDefault();
        if (metadata.OfType<RequestBodyMetadata>().FirstOrDefault() is { } body)
            operation.RequestBody = ToBody(body, examples, context);
        if (metadata.OfType<FormFilesMetadata>().FirstOrDefault() is { } form)
            operation.RequestBody = ToBody(form);
        foreach (HeaderParameter header in metadata.OfType<HeaderParameter>())
            AddHeader(operation, header);
        foreach (OpenApiParameter parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
            Illustrate(parameter, examples?.Model ?? "mnist-jem");
        if (metadata.OfType<FailureCodesMetadata>().FirstOrDefault() is { } failures)
            DescribeFailures(operation, failures);
    }

    private static OpenApiRequestBody ToBody(RequestBodyMetadata body, RequestExampleSet? examples, OperationFilterContext context)
    {
        var content = new Dictionary<string, IOpenApiMediaType>
        {
            ["application/json"] = new OpenApiMediaType
            {
                Schema = body.ByType is { } types
                    ? JobTypeSchemaFilter.OneOf(types.Values, context.SchemaGenerator, context.SchemaRepository)
                    : context.SchemaGenerator.GenerateSchema(body.Json, context.SchemaRepository),
                Examples = examples?.Examples.ToDictionary(example => example.Name, IOpenApiExample (example) =>
                    new OpenApiExample { Summary = example.Summary, Value = JsonNode.Parse(example.Json) }),
            },
        };
        foreach (string mediaType in body.Binary)
            content[mediaType] = new OpenApiMediaType { Schema = Binary() };
        if (body.Form)
            content["multipart/form-data"] = new OpenApiMediaType { Schema = Files() };
        return new OpenApiRequestBody { Required = true, Content = content };
    }

    private static OpenApiRequestBody ToBody(FormFilesMetadata form)
    {
        var content = form.Plain.ToDictionary(type => type, IOpenApiMediaType (_) => new OpenApiMediaType { Schema = Binary() });
        content["multipart/form-data"] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Properties = form.Names.ToDictionary(name => name, IOpenApiSchema (_) => Binary()),
            },
        };
        return new OpenApiRequestBody { Required = true, Content = content };
    }

    private static OpenApiSchema Binary() => new() { Type = JsonSchemaType.String, Format = "binary" };

    private static OpenApiSchema Files() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["files"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = Binary(), Description = "PNG files, one input each." },
        },
    };

    private static void AddHeader(OpenApiOperation operation, HeaderParameter header)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = header.Name,
            In = ParameterLocation.Header,
            Description = header.Description,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
    }

    private static void Illustrate(OpenApiParameter parameter, string model)
    {
        (string? example, string? description) = (parameter.In, parameter.Name) switch
        {
            (ParameterLocation.Path, "model") => (model, "The model's name."),
            (ParameterLocation.Path, "version") => ("1", "One version of it."),
            (ParameterLocation.Path, "id") => (null, "The job's id."),
            (ParameterLocation.Path, "name") => ("card.json", "The file's name."),
            (ParameterLocation.Query, "status") => (null, "queued, running, paused, cancelling, succeeded, failed or cancelled."),
            (ParameterLocation.Query, "model") => (null, "Only jobs of this model."),
            (ParameterLocation.Query, "type") => (null, "Only jobs of this type."),
            (ParameterLocation.Query, "limit") => (null, "Jobs per page, 1 to 200; 50 by default."),
            (ParameterLocation.Query, "cursor") => (null, "nextCursor of the page before."),
            (_, _) => ((string?)null, parameter.Description),
        };
        parameter.Description = description;
        if (example is not null)
            parameter.Example = JsonValue.Create(example);
    }

    private static void DescribeFailures(OpenApiOperation operation, FailureCodesMetadata failures)
    {
        foreach (var group in failures.Codes.GroupBy(code => FailureProblemMapper.KindOf(code).Status))
        {
            string status = group.Key.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (operation.Responses?.TryGetValue(status, out IOpenApiResponse? response) == true)
                response.Description = string.Join(" Or: ", group.Select(code => FailureProblemMapper.KindOf(code).Title));
        }
    }
}

/// <summary>Documents a body that the handler reads itself.</summary>
/// <param name="Json">The JSON contract.</param>
/// <param name="Binary">Further media types, sent as they are.</param>
/// <param name="Form">Whether a form with PNG files is read too.</param>
internal sealed record RequestBodyMetadata(Type Json, IReadOnlyList<string> Binary, bool Form = false)
{
    /// <value>Where the member <c>type</c> decides: the contract of each word.</value>
    public IReadOnlyDictionary<string, Type>? ByType { get; init; }
}

/// <summary>Documents a form of named files that the handler reads itself.</summary>
internal sealed record FormFilesMetadata(IReadOnlyList<string> Names)
{
    /// <value>Media types of a body that is the first file alone.</value>
    public IReadOnlyList<string> Plain { get; init; } = [];
}

/// <summary>Documents an optional request header.</summary>
internal sealed record HeaderParameter(string Name, string Description);

/// <summary>Named JSON bodies that work against the bundled models, and the model that they are for.</summary>
internal sealed record RequestExampleSet(string Model, IReadOnlyList<RequestExample> Examples);

internal sealed record RequestExample(string Name, string Summary, string Json);
