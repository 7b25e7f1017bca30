using EbmService.Core.Health;
using EbmService.Core.Models;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Health;

/// <summary>What orchestrators and load balancers ask.</summary>
internal static class HealthEndpoints
{
    internal static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/health").WithTags("Health").AllowAnonymous();
        group.MapGet("/live", Live).WithName("Live").WithSummary("200 while the process answers.").Produces<LiveResponse>();
        group.MapGet("/ready", Ready).WithName("Ready").WithSummary("200 when the worker runs and a model is ready; 503 otherwise.")
            .Produces<ReadyResponse>().Produces<ReadyResponse>(503);
        return routes;
    }

    private static Ok<LiveResponse> Live() => TypedResults.Ok(new LiveResponse("live"));

    private static JsonHttpResult<ReadyResponse> Ready(IWorkerMonitor worker, IModelCatalog catalog)
    {
        IReadOnlyList<HostedModel> all = catalog.List();
        int ready = all.Count(model => model.State == ModelState.Ready);
        string[] unavailable = [.. all.Where(model => model.State == ModelState.Unavailable).Select(model => model.Key.ToString())];
        var checks = new ReadyChecks(
            new WorkerCheck(worker.IsReady, worker.QueuedJobs, worker.RunningJobs, worker.QueueCapacity),
            new ModelsCheck(ready > 0, ready, unavailable));
        bool both = checks.Worker.Ready && checks.Models.Ready;
        return TypedResults.Json(new ReadyResponse(both ? "ready" : "notReady", checks), statusCode: both ? 200 : 503);
    }
}
