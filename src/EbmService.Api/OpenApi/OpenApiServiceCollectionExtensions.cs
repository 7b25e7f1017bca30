using EbmService.Core.Json;
using EbmService.Core.Models;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace EbmService.Api.OpenApi;

internal static class OpenApiServiceCollectionExtensions
{
    internal const string DocumentName = "v1";

    internal static IServiceCollection AddOpenApiDocument(this IServiceCollection services) =>
        services.AddEndpointsApiExplorer().AddSwaggerGen(Configure);

    internal static WebApplication UseOpenApiDocument(this WebApplication app)
    {
        app.UseSwagger(document => document.PreSerializeFilters.Add((served, request) =>
        {
            if (request.PathBase.HasValue)
                served.Servers = [new OpenApiServer { Url = request.PathBase.ToUriComponent() }];
        }));
        app.UseSwaggerUI(ui =>
        {
            ui.DocumentTitle = "EbmService";
            // Relative to the page, wherever a proxy puts it.
            ui.SwaggerEndpoint($"{DocumentName}/swagger.json", "EbmService v1");
            ui.DisplayRequestDuration();
            ui.EnableDeepLinking();
        });
        app.MapGet("/", (HttpRequest request) => TypedResults.Redirect(request.PathBase.ToUriComponent() + "/swagger"))
            .AllowAnonymous().ExcludeFromDescription();
        return app;
    }

    private static void Configure(SwaggerGenOptions options)
    {
        options.SwaggerDoc(DocumentName, new OpenApiInfo
        {
            Title = "EbmService",
            Version = DocumentName,
            Description = "Hosts energy-based models: energies, classes and out-of-distribution verdicts in milliseconds; "
                + "samples by Markov chains as jobs. Live progress: SignalR hub /hubs/jobs.",
        });
        options.IncludeXmlComments(typeof(OpenApiServiceCollectionExtensions).Assembly);
        options.IncludeXmlComments(typeof(ModelKey).Assembly);
        options.SupportNonNullableReferenceTypes();
        options.NonNullableReferenceTypesAsRequired();
        options.OperationFilter<OperationDetailsFilter>();
        SecurityRequirementsFilter.AddSchemes(options);
        options.OperationFilter<SecurityRequirementsFilter>();
        options.UseAllOfToExtendReferenceSchemas();
        options.SchemaFilter<DocumentedSchemaFilter>(
            new XmlSummaries([Documentation(typeof(OpenApiServiceCollectionExtensions)), Documentation(typeof(ModelKey))]));
        options.SchemaFilter<TensorSchemaFilter>();
        options.SchemaFilter<JobTypeSchemaFilter>();
        options.MapType<NestedNumbers>(() => new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Items = new OpenApiSchema(),
            Description = "Nested arrays of finite numbers.",
        });
    }

    private static string Documentation(Type type) => Path.ChangeExtension(type.Assembly.Location, "xml");
}
