using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.Api.Hubs;
using EbmService.Api.Security;
using EbmService.Core.Tensors;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Keys;
using EbmService.Jobs.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>Every route of the service, of the OpenAPI document and of the hub, with no key, a wrong one, one without the scope, another tenant's.</summary>
public sealed class AccessWalkTests : IDisposable
{
    /// <summary>What is open to all, and why.</summary>
    private static readonly string[] s_open = ["/", "/health/live", "/health/ready"];

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("ebm-keys-");
    private readonly ApiFactory _factory;
    private readonly HttpClient _nobody;

    public AccessWalkTests()
    {
        _factory = new ApiFactory { Settings = new() { ["Storage:DataPath"] = _data.FullName, ["Models:AllowUpload"] = "true" } };
        _factory.Keys.Add();
        _nobody = _factory.CreateClient();
    }

    public void Dispose()
    {
        _factory.Dispose();
        _data.Delete(recursive: true);
    }

    [Fact]
    public void EveryRoute_NamesAPolicyOrIsKnownToBeOpen()
    {
        RouteEndpoint[] routes = Routes();

        Assert.True(routes.Length > 30, $"only {routes.Length} routes were found");
        Assert.All(routes, route => Assert.True(
            route.Metadata.GetMetadata<IAllowAnonymous>() is not null
                ? s_open.Contains(PatternOf(route)) || PatternOf(route).StartsWith("/dashboard", StringComparison.Ordinal)
                : route.Metadata.GetOrderedMetadata<IAuthorizeData>() is [{ Policy: { } policy }] && Scopes.Policies.Contains(policy),
            $"'{PatternOf(route)}' has no policy: say RequireAuthorization(Scopes...), or AllowAnonymous() and add it to the open ones here."));
    }

    [Fact]
    public async Task EveryGuardedRoute_NoKeyOrAWrongOne_Is401()
    {
        string wrong = ApiKeyText.Create();
        await EveryAsync(async (method, path, _) =>
        {
            await (await _nobody.SendAsync(method, path)).CheckAsync(method, path, HttpStatusCode.Unauthorized, "unauthenticated");
            HttpResponseMessage refused = await _nobody.SendAsync(method, path, KeyClientExtensions.Bearer(wrong));
            await refused.CheckAsync(method, path, HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.Contains("invalid_token", refused.Headers.WwwAuthenticate.ToString());
            await (await _nobody.SendAsync(method, path, KeyClientExtensions.ApiKey(wrong)))
                .CheckAsync(method, path, HttpStatusCode.Unauthorized, "unauthenticated");
        });
    }

    [Fact]
    public async Task EveryGuardedRoute_KeyWithoutTheScope_Is403()
    {
        Dictionary<string, string> without = Scopes.Policies.ToDictionary(
            policy => policy, policy => _factory.Keys.Add(scopes: [.. ApiKeyScopes.All.Except(Scopes.Of(policy))]));
        await EveryAsync(async (method, path, policy) =>
            await (await (await ReadyAsync(without[policy])).SendAsync(method, path, KeyClientExtensions.Bearer(without[policy])))
                .CheckAsync(method, path, HttpStatusCode.Forbidden, "forbidden"));
    }

    /// <summary>As if they were not there; models belong to nobody, and lists are empty.</summary>
    [Fact]
    public async Task EveryRouteOfAJobOrDataset_AnotherTenantsKey_Is404()
    {
        string owner = _factory.Keys.Add("owner"), other = _factory.Keys.Add("other");
        HttpClient client = await ReadyAsync(other);
        string job = await CreateJobAsync(owner);
        _factory.Jobs.Finish(job);
        using (var rows = new HttpRequestMessage(HttpMethod.Put, "/v1/datasets/points"))
        {
            rows.Content = new ByteArrayContent(NpyFormat.Write(new TensorPayload([2, 2], [0, 0, 1, 1])));
            rows.Headers.Add(Credential.KeyHeader, owner);
            Assert.Equal(HttpStatusCode.Created, (await client.SendAsync(rows, HttpTestExtensions.Cancel)).StatusCode);
        }
        var checkedRoutes = new List<string>();
        foreach (RouteEndpoint route in Routes())
        {
            if (PatternOf(route) is not { } pattern || !(pattern.Contains("{id}") || pattern.Contains("{dataset}")))
                continue;
            string path = pattern.Replace("{id}", job).Replace("{dataset}", "points").Replace("{name}", "samples.png");
            foreach (string method in MethodsOf(route).Where(method => method != "PUT"))
            {
                using HttpRequestMessage request = new(new HttpMethod(method), path);
                request.Headers.Add(Credential.KeyHeader, other);
                if (method is "POST" or "PATCH")
                    request.Content = new StringContent(method == "POST" ? "{\"steps\": 5}" : "{\"keep\": true}", Encoding.UTF8, "application/json");
                await (await client.SendAsync(request, HttpTestExtensions.Cancel)).CheckAsync(
                    method, path, HttpStatusCode.NotFound, pattern.Contains("{id}") ? "jobNotFound" : "datasetNotFound");
                checkedRoutes.Add($"{method} {pattern}");
            }
        }

        Assert.True(checkedRoutes.Count >= 12, string.Join(", ", checkedRoutes));
        Assert.Empty((await ListAsync(client, "/v1/jobs", other))["jobs"]!.AsArray());
        Assert.Empty((await ListAsync(client, "/v1/datasets", other))["datasets"]!.AsArray());
        Assert.Single((await ListAsync(client, "/v1/jobs", owner))["jobs"]!.AsArray());
        Assert.Single((await ListAsync(client, "/v1/datasets", owner))["datasets"]!.AsArray());
    }

    [Fact]
    public async Task Hub_EachOfTheFour_IsRefusedAsARoute()
    {
        string owner = _factory.Keys.Add("owner"), other = _factory.Keys.Add("other"), scopeless = _factory.Keys.Add(scopes: ["infer"]);
        await ReadyAsync(owner);
        string job = await CreateJobAsync(owner);

        Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(null));
        Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(ApiKeyText.Create()));
        Assert.Equal(HttpStatusCode.Forbidden, await ConnectAsync(scopeless));
        await using HubConnection hub = Hub(other);
        await hub.StartAsync(HttpTestExtensions.Cancel);
        Assert.Contains("no job", (await Assert.ThrowsAsync<HubException>(() => hub.InvokeAsync("Watch", job, HttpTestExtensions.Cancel))).Message);
        await using HubConnection own = Hub(owner);
        await own.StartAsync(HttpTestExtensions.Cancel);
        await own.InvokeAsync("Watch", job, HttpTestExtensions.Cancel);
    }

    [Fact]
    public async Task EveryOperationOfTheDocument_IsARouteOfTheWalk_AndSaysWhatItNeeds()
    {
        JsonObject document = await (await _nobody.GetAsync("/swagger/v1/swagger.json", HttpTestExtensions.Cancel)).JsonAsync();
        Dictionary<string, RouteEndpoint> routes = Routes().SelectMany(route => MethodsOf(route).Select(method => ($"{method} {PatternOf(route)}", route)))
            .ToDictionary(pair => pair.Item1, pair => pair.route);
        int guarded = 0;
        foreach ((string path, JsonNode? operations) in document["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? operation) in operations!.AsObject())
            {
                string name = $"{method.ToUpperInvariant()} {path}";
                Assert.True(routes.TryGetValue(name, out RouteEndpoint? route), $"{name} is no route");
                bool isOpen = route.Metadata.GetMetadata<IAllowAnonymous>() is not null;
                Assert.True(isOpen == operation!["security"] is null, name);
                if (isOpen)
                    continue;
                guarded++;
                Assert.Equal(["bearer", "apiKey"], operation["security"]!.AsArray().Select(one => one!.AsObject().Single().Key));
                Assert.All(["401", "403", "429"], status => Assert.NotNull(operation["responses"]![status]));
                Assert.Contains("Scope: ", (string?)operation["description"]);
            }
        }
        Assert.True(guarded > 30, $"{guarded} guarded operations");
        Assert.Equal("X-Api-Key", (string?)document["components"]!["securitySchemes"]!["apiKey"]!["name"]);
    }

    /// <summary>Routes work on what the caller reaches, never on everything.</summary>
    [Fact]
    public void NoRoute_TakesAllJobsOrAllDatasets()
    {
        foreach (RouteEndpoint route in Routes())
        {
            if (route.Metadata.GetMetadata<System.Reflection.MethodInfo>() is not { } handler)
                continue;
            Assert.DoesNotContain(handler.GetParameters(), parameter =>
                parameter.ParameterType == typeof(IJobService) || parameter.ParameterType == typeof(IDatasetService));
        }
    }

    [Fact]
    public async Task UnknownPath_SaysSoToAnybody()
    {
        await (await _nobody.SendAsync("GET", "/v1/nothing")).ProblemAsync(HttpStatusCode.NotFound, "routeNotFound");
        await (await _nobody.SendAsync("PATCH", "/v1/jobs")).ProblemAsync(HttpStatusCode.MethodNotAllowed, "methodNotAllowed");
    }

    private async Task EveryAsync(Func<string, string, string, Task> check)
    {
        int count = 0;
        foreach (RouteEndpoint route in Routes().Where(route => route.Metadata.GetMetadata<IAllowAnonymous>() is null))
        {
            string path = PatternOf(route).Replace("{id}", new string('a', 32)).Replace("{model}", "digits").Replace("{version}", "1")
                .Replace("{name}", "card.json").Replace("{dataset}", "points");
            Assert.DoesNotContain('{', path);
            foreach (string method in MethodsOf(route))
            {
                await check(method, path, route.Metadata.GetOrderedMetadata<IAuthorizeData>()[0].Policy!);
                count++;
            }
        }
        Assert.True(count > 30, $"{count} checks");
    }

    private RouteEndpoint[] Routes() =>
        [.. _factory.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];

    private static string PatternOf(RouteEndpoint route) => "/" + (route.RoutePattern.RawText ?? "").Trim('/');

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint route) =>
        route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is { Count: > 0 } methods ? methods : ["GET", "POST"];

    /// <summary>A client, once the service has read the key.</summary>
    private async Task<HttpClient> ReadyAsync(string key)
    {
        await Poll.UntilAsync(async () => (await _nobody.SendAsync("GET", "/v1/nothing-yet", KeyClientExtensions.Bearer(key))) is not null
            && _factory.Services.GetRequiredService<KeyRing>().Check(key).Succeeded);
        return _nobody;
    }

    private static async Task<JsonObject> ListAsync(HttpClient client, string path, string key) =>
        await (await client.SendAsync("GET", path, KeyClientExtensions.Bearer(key))).JsonAsync();

    private async Task<string> CreateJobAsync(string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent("""{"model": "digits"}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add(Credential.KeyHeader, key);
        return (string)(await (await _nobody.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Accepted))["id"]!;
    }

    private HubConnection Hub(string? key) => new HubConnectionBuilder().WithUrl($"http://localhost{JobsHub.Path}", options =>
    {
        options.HttpMessageHandlerFactory = _ => _factory.Server.CreateHandler();
        options.Transports = Microsoft.AspNetCore.Http.Connections.HttpTransportType.LongPolling;
        options.AccessTokenProvider = () => Task.FromResult(key);
    }).Build();

    private async Task<HttpStatusCode?> ConnectAsync(string? key)
    {
        await using HubConnection hub = Hub(key);
        return (await Assert.ThrowsAsync<HttpRequestException>(() => hub.StartAsync(HttpTestExtensions.Cancel))).StatusCode;
    }
}

internal static class AccessChecks
{
    internal static async Task CheckAsync(this HttpResponseMessage response, string method, string path, HttpStatusCode expected, string code)
    {
        Assert.True(response.StatusCode == expected, $"{method} {path}: {(int)response.StatusCode}");
        if (method != "HEAD")
            await response.ProblemAsync(expected, code);
    }
}
