using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Telemetry;

[Collection(WatchedServiceCollection.Name)]
public sealed class LogTests(WatchedService watched)
{
    [EndToEndFact]
    public void Lines_AsJson_AreDocumentsThatNameTheJobAndItsRequestsTrace()
    {
        JsonObject[] lines = [.. watched.Service.Output.Split(Environment.NewLine).Select(line => JsonNode.Parse(line)!.AsObject())];
        JsonObject queued = Assert.Single(lines, line => (int)line["EventId"]! == 2010 && (string?)line["State"]!["JobId"] == watched.JobId);

        Assert.Contains(queued["Scopes"]!.AsArray(), scope => (string?)scope!["TraceId"] == WatchedService.TraceId);
        // What was recorded of a job off its request's way is in the job's own trace, if in any.
        Assert.Contains(lines, line => (int)line["EventId"]! == 2011 && (string?)line["State"]!["JobId"] == watched.JobId);
    }

    [EndToEndFact]
    public void Lines_OfAuthorizedRequests_HoldNoSecret() =>
        Assert.DoesNotContain(WatchedService.Secret, watched.Service.Output, StringComparison.Ordinal);
}
