using EbmService.Api.Security;
using EbmService.Core.Service;
using EbmService.Jobs.Monitoring;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Service;

/// <summary>What the service does now: what the dashboard's overview shows.</summary>
internal static class ServiceEndpoints
{
    internal static IEndpointRouteBuilder MapService(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/service", Look).WithTags("Service").RequireAuthorization(Scopes.Jobs).WithName("GetService")
            .WithSummary("Slots and what they do, the queue in its order, and rates over the last five minutes.")
            .Produces<ServiceResponse>();
        return routes;
    }

    private static Ok<ServiceResponse> Look(IServiceMonitor monitor, Caller caller) => TypedResults.Ok(monitor.Look(caller.Tenant));
}
