using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>/v1/datasets as a client uses it, and jobs that name what was uploaded.</summary>
public sealed class DatasetTests : IAsyncDisposable
{
    private static readonly byte[] Points = NpyFormat.Write(new TensorPayload([4, 2], [0, 0, 1, 1, -1, 2, 0.5f, -0.5f]));

    private readonly ServiceFolder _folder = new();
    private readonly ServiceFactory _factory;
    private readonly HttpClient _client;

    public DatasetTests()
    {
        _factory = new ServiceFactory(_folder, ("Datasets:MaxUploadBytes", "65536"), ("Datasets:MaxEntries", "4"), ("Limits:MaxBodyBytes", "4096"));
        _client = _factory.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Upload_OneFile_IsListedShownAndDeleted()
    {
        HttpResponseMessage response = await PutAsync("points", Points);
        JsonObject dataset = await response.JsonAsync(HttpStatusCode.Created);

        Assert.Equal("/v1/datasets/points", response.Headers.Location?.ToString());
        Assert.Equal([4, 2], dataset["shape"]!.AsArray().Select(size => (int)size!));
        Assert.Equal(("float32", -1.0, 2.0), ((string?)dataset["dtype"], (double)dataset["min"]!, (double)dataset["max"]!));
        Assert.True(JsonNode.DeepEquals(dataset, await (await GetAsync("/points")).JsonAsync()));
        Assert.True(JsonNode.DeepEquals(dataset, (await (await GetAsync("")).JsonAsync())["datasets"]![0]));
        HttpResponseMessage picture = await GetAsync("/points/preview");
        Assert.Equal(("image/png", $"\"{dataset["sha256"]}\""), (picture.Content.Headers.ContentType?.MediaType, picture.Headers.ETag?.Tag));
        await (await PutAsync("points", Points)).JsonAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync("points")).StatusCode);
        await (await GetAsync("/points")).ProblemAsync(HttpStatusCode.NotFound, "datasetNotFound");
        await (await DeleteAsync("points")).ProblemAsync(HttpStatusCode.NotFound, "datasetNotFound");
    }

    [Fact]
    public async Task Upload_FormOfRowsAndLabels_CountsTheClasses()
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(Points), "rows", "points.npy" },
            { new ByteArrayContent("0\n1\n1\n1\n"u8.ToArray()), "labels", "labels.csv" },
        };
        JsonObject dataset = await (await _client.PostAsync("/v1/datasets?name=points", form, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Created);

        Assert.Equal((1, 3), ((int)dataset["labels"]!["0"]!, (int)dataset["labels"]!["1"]!));
    }

    [Fact]
    public async Task Upload_Refused_NamesTheFieldAndLeavesNothing()
    {
        await (await PutAsync("..%2Fx", Points)).FieldErrorAsync("name");
        await (await PutAsync("points", Points[..^1])).FieldErrorAsync("rows");
        await (await _client.PostBytesAsync("/v1/datasets", Points, "application/octet-stream")).FieldErrorAsync("name");
        await (await _client.PostBytesAsync("/v1/datasets?name=x", "{}"u8.ToArray(), "application/json"))
            .ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");
        await (await PutAsync("large", new byte[70_000])).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "bodyTooLarge");
        using var form = new MultipartFormDataContent { { new ByteArrayContent(Points), "other", "points.npy" } };
        await (await _client.PutAsync("/v1/datasets/x", form, HttpTestExtensions.Cancel)).FieldErrorAsync("other");
        using var cut = new ByteArrayContent(Encoding.ASCII.GetBytes("--b\r\nContent-Disposition: form-data; name=\"rows\"\r\n\r\n1,2"));
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        await (await _client.PutAsync("/v1/datasets/x", cut, HttpTestExtensions.Cancel)).FieldErrorAsync("body");

        Assert.Empty((await (await GetAsync("")).JsonAsync())["datasets"]!.AsArray());
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_folder.Data, "datasets"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Scoring_OfADataset_EqualsThatOfTheSameRowsInTheSpec()
    {
        await (await PutAsync("points", Points)).JsonAsync(HttpStatusCode.Created);
        JsonObject inline = await _client.RunJobAsync("""{"type": "scoring", "model": "bowl", "spec": {"data": [[1, 1], [-1, 2]]}}""");
        JsonObject named = await _client.RunJobAsync("""{"type": "scoring", "model": "bowl", "spec": {"dataset": "points", "offset": 1, "count": 2}}""");

        Assert.Equal(JobClientExtensions.Hash(inline, "energy.npy"), JobClientExtensions.Hash(named, "energy.npy"));
        Assert.Equal("points", (string?)named["spec"]!["dataset"]);
        // What has ended doesn't hold it.
        Assert.Equal(HttpStatusCode.NoContent, (await DeleteAsync("points")).StatusCode);
    }

    [Fact]
    public async Task Sampling_FromADataset_EqualsThatFromTheSameRowsInTheSpec()
    {
        await (await PutAsync("points", Points)).JsonAsync(HttpStatusCode.Created);
        JsonObject inline = await _client.RunJobAsync(
            """{"type": "sampling", "model": "bowl", "spec": {"chains": 6, "steps": 5, "seed": 1, "data": [[0, 0], [1, 1], [-1, 2], [0.5, -0.5]]}}""");
        JsonObject named = await _client.RunJobAsync("""{"type": "sampling", "model": "bowl", "spec": {"chains": 6, "steps": 5, "seed": 1, "dataset": "points"}}""");

        Assert.Equal(JobClientExtensions.Hash(inline, "samples.npy"), JobClientExtensions.Hash(named, "samples.npy"));
        Assert.Equal(("data", "points"), ((string?)named["spec"]!["start"], (string?)named["spec"]!["dataset"]));
        await (await _client.PostJsonAsync("/v1/jobs", """{"type": "sampling", "model": "bowl", "spec": {"dataset": "none"}}""")).FieldErrorAsync("spec.dataset");
    }

    [Fact]
    public async Task Delete_WhileAJobUsesIt_Is409()
    {
        await (await PutAsync("points", Points)).JsonAsync(HttpStatusCode.Created);
        JsonObject blocking = await _client.StartJobAsync("""{"type": "sampling", "model": "bowl", "priority": 10, "spec": {"chains": 512, "steps": 900000}}""");
        JsonObject job = await _client.StartJobAsync("""{"type": "scoring", "model": "bowl", "priority": -10, "spec": {"dataset": "points"}}""");
        string id = (string)job["id"]!;
        await _client.PostAsync($"/v1/jobs/{id}/pause", null, HttpTestExtensions.Cancel);

        string detail = (string)(await (await DeleteAsync("points")).ProblemAsync(HttpStatusCode.Conflict, "datasetInUse"))["detail"]!;

        Assert.Contains(id, detail, StringComparison.Ordinal);
        await _client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpTestExtensions.Cancel);
        await _client.PostAsync($"/v1/jobs/{blocking["id"]}/cancel", null, HttpTestExtensions.Cancel);
        await Poll.UntilAsync(async () => (await DeleteAsync("points")).StatusCode == HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Submit_DatasetThatIsNoneOrDoesNotFit_IsAFieldError()
    {
        await (await PutAsync("points", Points)).JsonAsync(HttpStatusCode.Created);
        await (await PutAsync("threes", NpyFormat.Write(new TensorPayload([1, 3], [0, 0, 0])))).JsonAsync(HttpStatusCode.Created);
        await (await PutAsync("far", NpyFormat.Write(new TensorPayload([1, 2], [0, 1000])))).JsonAsync(HttpStatusCode.Created);

        await RefusedAsync("spec.dataset", """{"dataset": "none"}""");
        await RefusedAsync("spec.dataset", """{"dataset": "threes"}""");
        await RefusedAsync("spec.dataset", """{"dataset": "far"}""");
        await RefusedAsync("spec.offset", """{"dataset": "points", "offset": 4}""");
        await RefusedAsync("spec.count", """{"dataset": "points", "offset": 3, "count": 2}""");
        await RefusedAsync("spec.data", """{"dataset": "points", "data": [[1, 1]]}""");
        await _client.RunJobAsync("""{"type": "scoring", "model": "bowl", "spec": {"dataset": "far", "outOfRange": "allow"}}""");
    }

    private async Task RefusedAsync(string field, string spec) => await (await _client.PostJsonAsync(
        "/v1/jobs", $$"""{"type": "scoring", "model": "bowl", "spec": {{spec}}}""")).FieldErrorAsync(field);

    private Task<HttpResponseMessage> GetAsync(string path) => _client.GetAsync("/v1/datasets" + path, HttpTestExtensions.Cancel);

    private Task<HttpResponseMessage> DeleteAsync(string name) => _client.DeleteAsync($"/v1/datasets/{name}", HttpTestExtensions.Cancel);

    private Task<HttpResponseMessage> PutAsync(string name, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return _client.PutAsync($"/v1/datasets/{name}", content, HttpTestExtensions.Cancel);
    }
}
