using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EbmService.Core.Models;
using Xunit;

namespace EbmService.Client.Tests.Http;

/// <summary>The client has a method for each operation of the service, and it calls that operation.</summary>
public sealed class OperationTests
{
    private static readonly QueryInput s_input = QueryInput.FromValues(new float[] { 1, 2 }, 1, 2);

    private static readonly Dictionary<string, Func<EbmClient, CancellationToken, Task>> s_calls = new()
    {
        ["Live"] = (client, cancel) => client.Service.LiveAsync(cancel),
        ["GetService"] = (client, cancel) => client.Service.GetAsync(cancel),
        ["ChangeJob"] = (client, cancel) => client.Jobs.KeepAsync("j", true, cancel),
        ["GetJobTrace"] = (client, cancel) => client.Jobs.GetTraceAsync("j", cancel),
        ["GetJobPreview"] = (client, cancel) => client.Jobs.GetPreviewAsync("j", cancel),
        ["ListModelPictures"] = (client, cancel) => client.Models.ListPicturesAsync("m", cancel),
        ["GetModelPicture"] = (client, cancel) => client.Models.ReadPictureAsync("m", "samples.png", cancel),
        ["Ready"] = (client, cancel) => client.Service.ReadyAsync(cancel),
        ["CreateJob"] = (client, cancel) => client.Jobs.CreateAsync(new JsonObject(), cancellationToken: cancel),
        ["ListJobs"] = (client, cancel) => client.Jobs.ListAsync(
            new JobQuery { Status = Core.Jobs.JobStatus.Running, Model = "m", Type = "t", Limit = 1, Cursor = "c" }, cancel),
        ["GetJob"] = (client, cancel) => client.Jobs.GetAsync("j", cancel),
        ["DeleteJob"] = (client, cancel) => client.Jobs.DeleteAsync("j", cancel),
        ["CancelJob"] = (client, cancel) => client.Jobs.CancelAsync("j", cancel),
        ["PauseJob"] = (client, cancel) => client.Jobs.PauseAsync("j", cancel),
        ["ResumeJob"] = (client, cancel) => client.Jobs.ResumeAsync("j", cancel),
        ["ExtendJob"] = (client, cancel) => client.Jobs.ExtendAsync("j", 1, cancel),
        ["WatchJob"] = (client, cancel) => client.Jobs.WatchAsync("j", cancel).GetAsyncEnumerator(cancel).MoveNextAsync().AsTask(),
        ["WatchJobs"] = (client, cancel) => client.Jobs.WatchAllAsync(cancel).GetAsyncEnumerator(cancel).MoveNextAsync().AsTask(),
        ["ListResults"] = (client, cancel) => client.Jobs.ListResultsAsync("j", cancel),
        ["DownloadResult"] = (client, cancel) => client.Jobs.OpenResultAsync("j", "card.json", cancellationToken: cancel),
        ["ListModels"] = (client, cancel) => client.Models.ListAsync(cancel),
        ["ComposeModel"] = (client, cancel) => client.Models.ComposeAsync(new CompositionRequest { Name = "n", Terms = [] }, cancel),
        ["GetModel"] = (client, cancel) => client.Models.GetAsync("m", cancellationToken: cancel),
        ["GetModelVersion"] = (client, cancel) => client.Models.GetAsync("m", "1", cancel),
        ["ListCalibrations"] = (client, cancel) => client.Models.ListCalibrationsAsync("m", cancel),
        ["UploadModelVersion"] = (client, cancel) => client.Models.UploadAsync("m", "1", new ModelFiles { Weights = new MemoryStream([1]) }, cancel),
        ["LoadModel"] = (client, cancel) => client.Models.LoadAsync("m", cancellationToken: cancel),
        ["LoadModelVersion"] = (client, cancel) => client.Models.LoadAsync("m", "1", cancel),
        ["UnloadModel"] = (client, cancel) => client.Models.UnloadAsync("m", cancellationToken: cancel),
        ["UnloadModelVersion"] = (client, cancel) => client.Models.UnloadAsync("m", "1", cancel),
        ["ListDatasets"] = (client, cancel) => client.Datasets.ListAsync(cancel),
        ["CreateDataset"] = (client, cancel) => client.Datasets.CreateAsync("d", new MemoryStream([1]), cancellationToken: cancel),
        ["UploadDataset"] = (client, cancel) => client.Datasets.UploadAsync("d", new MemoryStream([1]), new MemoryStream([2]), cancel),
        ["GetDataset"] = (client, cancel) => client.Datasets.GetAsync("d", cancel),
        ["DeleteDataset"] = (client, cancel) => client.Datasets.DeleteAsync("d", cancel),
        ["PreviewDataset"] = (client, cancel) => client.Datasets.PreviewAsync("d", cancel),
        ["Energy"] = (client, cancel) => client.Queries.EnergyAsync("m", s_input, new EnergyOptions { Gradients = true }, cancel),
        ["EnergyPinned"] = (client, cancel) => client.Queries.EnergyAsync("m", s_input, new EnergyOptions { Version = "1" }, cancel),
        ["Classify"] = (client, cancel) => client.Queries.ClassifyAsync("m", s_input, new ClassifyOptions { RefineSteps = 1 }, cancel),
        ["ClassifyPinned"] = (client, cancel) => client.Queries.ClassifyAsync("m", s_input, new ClassifyOptions { Version = "1" }, cancel),
        ["Ood"] = (client, cancel) => client.Queries.OodAsync("m", s_input, new OodOptions { Alpha = 0.1 }, cancel),
        ["OodPinned"] = (client, cancel) => client.Queries.OodAsync("m", s_input, new OodOptions { Version = "1" }, cancel),
    };

    public static TheoryData<string> Operations => [.. Documented().Select(operation => operation.Id)];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Operation_OfTheDocument_IsCalledByTheClient(string id)
    {
        (_, string method, string template, string[] bodies, string[] query) = Documented().Single(operation => operation.Id == id);
        Assert.True(s_calls.TryGetValue(id, out var call), $"The client has no method for {id}: {method} {template}");
        var service = new FakeService((_, _) => FakeService.Problem(System.Net.HttpStatusCode.NotFound, "jobNotFound"));

        await Assert.ThrowsAsync<EbmException>(() =>
            call(service.Client(options => options.Events = EventTransport.ServerSentEvents), TestContext.Current.CancellationToken));

        SentRequest sent = Assert.Single(service.Sent);
        string[] parts = sent.Path.Split('?');
        Assert.Equal(method, sent.Method.Method, ignoreCase: true);
        Assert.Matches("^" + Regex.Replace(template, "{[a-z]+}", "[^/]+") + "$", parts[0]);
        Assert.Equal(bodies.Length > 0, sent.Headers.ContainsKey("Content-Type"));
        if (bodies.Length > 0)
            Assert.Contains(sent.Headers["Content-Type"].Split(';')[0], bodies);
        if (method == "get")
            Assert.Empty(parts.Skip(1).SelectMany(text => text.Split('&')).Select(pair => pair.Split('=')[0]).Except(query));
    }

    [Fact]
    public void Calls_AreAllDocumented() => Assert.Empty(s_calls.Keys.Except(Documented().Select(operation => operation.Id)));

    private static IReadOnlyList<(string Id, string Method, string Template, string[] Bodies, string[] Query)> Documented()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SourceFiles.PathOf("docs", "openapi.v1.json")));
        var found = new List<(string, string, string, string[], string[])>();
        foreach (JsonProperty path in document.RootElement.GetProperty("paths").EnumerateObject())
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject().Where(member => member.Value.TryGetProperty("operationId", out _)))
            {
                string[] bodies = operation.Value.TryGetProperty("requestBody", out JsonElement body)
                    ? [.. body.GetProperty("content").EnumerateObject().Select(type => type.Name)] : [];
                string[] query = operation.Value.TryGetProperty("parameters", out JsonElement parameters)
                    ? [.. parameters.EnumerateArray().Where(one => one.GetProperty("in").GetString() == "query").Select(one => one.GetProperty("name").GetString()!)]
                    : [];
                found.Add((operation.Value.GetProperty("operationId").GetString()!, operation.Name, path.Name, bodies, query));
            }
        }
        return found;
    }
}
