using EbmService.Api.Errors;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Authorization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

/// <summary>Says of every operation which scope it needs and how a key is shown; Swagger UI's Authorize goes by it.</summary>
internal sealed class SecurityRequirementsFilter : IOperationFilter
{
    private const string Bearer = "bearer";
    private const string ApiKey = "apiKey";

    internal static void AddSchemes(SwaggerGenOptions options)
    {
        options.AddSecurityDefinition(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = Bearer,
            Description = "A key of this service (ebm_...), or a JSON Web Token where the operator has configured an issuer. Where no key was ever "
                + "made, none is needed.",
        });
        options.AddSecurityDefinition(ApiKey, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = Credential.KeyHeader, Description = "A key of this service (ebm_...).",
        });
    }

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        string[] scopes = [.. metadata.OfType<IAuthorizeData>().SelectMany(data => Scopes.Of(data.Policy ?? ""))];
        if (scopes.Length == 0 || metadata.OfType<IAllowAnonymous>().Any())
            return;
        operation.Description = $"{operation.Description} Scope: {string.Join(" or ", scopes)}.".TrimStart();
        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiKey, context.Document)] = [] },
        ];
        AddProblem(operation, context, "401", "No key, or one that is not valid.");
        AddProblem(operation, context, "403", "The key lacks the scope, or belongs to another tenant.");
        AddProblem(operation, context, "429", "The tenant's quota is used up.");
    }

    private static void AddProblem(OpenApiOperation operation, OperationFilterContext context, string status, string description)
    {
        operation.Responses ??= [];
        if (operation.Responses.ContainsKey(status))
            return;
        operation.Responses[status] = new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, IOpenApiMediaType>
            {
                [FailureResult.MediaType] = new OpenApiMediaType
                {
                    Schema = context.SchemaGenerator.GenerateSchema(typeof(ProblemResponse), context.SchemaRepository),
                },
            },
        };
    }
}
