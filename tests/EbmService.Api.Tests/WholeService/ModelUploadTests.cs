using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>PUT /v1/models/{model}/versions/{version} on a service that allows it.</summary>
public sealed class ModelUploadTests : IAsyncDisposable
{
    private const string Descriptor = """
        {
          "name": "sent", "title": "sent", "input": {"kind": "vector", "shape": [2], "min": -3, "max": 3},
          "architecture": {"kind": "gaussian", "mean": [0, 0], "precision": [[2, 0], [0, 2]]}
        }
        """;

    private static readonly byte[] Archive = [(byte)'P', (byte)'K', 3, 4, 20, 0, 0, 0, 8, 0];

    private readonly ServiceFolder _folder = new();
    private readonly ServiceFactory _factory;
    private readonly HttpClient _client;

    public ModelUploadTests()
    {
        _factory = new ServiceFactory(
            _folder, ("Models:AllowUpload", "true"), ("Models:MaxUploadBytes", "65536"), ("Limits:MaxBodyBytes", "4096"));
        _client = _factory.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Upload_NewModel_AnswersAtOnceAndIsThereAfterwards()
    {
        HttpResponseMessage response = await PutAsync("sent/versions/1", ("descriptor", Bytes(Descriptor + new string(' ', 8192))));
        JsonObject card = await response.JsonAsync(HttpStatusCode.Created);
        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/sent/energy", """{"inputs": [[1, 2]]}""")).JsonAsync();

        Assert.Equal("/v1/models/sent/versions/1", response.Headers.Location?.ToString());
        Assert.Equal(("sent", "1", "ready"), ((string?)card["name"], (string?)card["version"], (string?)card["state"]));
        Assert.Equal(5, (double)answer["results"]![0]!["energy"]!, 5);
        Assert.True(File.Exists(Path.Combine(_folder.Models, "sent", "1", "version.json")));
    }

    [Fact]
    public async Task Upload_SameVersionAgain_Is409()
    {
        await (await PutAsync("sent/versions/1", ("descriptor", Bytes(Descriptor)))).JsonAsync(HttpStatusCode.Created);

        await (await PutAsync("sent/versions/1", ("descriptor", Bytes(Descriptor)))).ProblemAsync(HttpStatusCode.Conflict, "versionExists");
        await (await PutAsync("bowl/versions/1", ("weights", Archive[4..]))).ProblemAsync(HttpStatusCode.Conflict, "versionExists");
    }

    [Fact]
    public async Task Upload_Refused_NamesTheFieldAndTheServiceKeepsServing()
    {
        (string, byte[]) descriptor = ("descriptor", Bytes(Descriptor));

        await (await PutAsync("..%2Fsent/versions/1", descriptor)).FieldErrorAsync("model");
        await (await PutAsync("sent/versions/..%2F..%2Fx", descriptor)).FieldErrorAsync("version");
        await (await PutAsync("sent/versions/1", ("weights", Archive[4..]))).FieldErrorAsync("descriptor");
        await (await PutAsync("sent/versions/1", descriptor, ("model", Archive))).FieldErrorAsync("model");
        await (await PutAsync("sent/versions/1", descriptor, descriptor)).FieldErrorAsync("descriptor");
        await (await PutAsync("sent/versions/1", descriptor, ("weights", Bytes("0123456789")))).FieldErrorAsync("files");
        string archive = await (await PutAsync("sent/versions/1", descriptor, ("weights", Archive))).FieldErrorAsync("weights");

        Assert.Contains("TorchScript", archive);
        Assert.Equal(["bowl", "damaged", "wells"], Directory.EnumerateDirectories(_folder.Models).Select(Path.GetFileName).Order());
        await (await _client.PostJsonAsync("/v1/models/bowl/energy", """{"inputs": [[1, 2]]}""")).JsonAsync();
    }

    [Fact]
    public async Task Upload_OverTheLimitOrNoForm_IsRefused()
    {
        await (await PutAsync("sent/versions/1", ("descriptor", Bytes(Descriptor)), ("weights", new byte[70_000])))
            .ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "bodyTooLarge");
        var json = new StringContent(Descriptor, Encoding.UTF8, "application/json");
        await (await _client.PutAsync("/v1/models/sent/versions/1", json, HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");
        var broken = new StringContent("nothing", Encoding.UTF8);
        broken.Headers.ContentType = new("multipart/form-data") { Parameters = { new("boundary", "x") } };
        await (await _client.PutAsync("/v1/models/sent/versions/1", broken, HttpTestExtensions.Cancel)).FieldErrorAsync("body");
    }

    [Fact]
    public async Task Upload_NotAllowed_Is403()
    {
        using var folder = new ServiceFolder();
        await using var factory = new ServiceFactory(folder);
        using HttpClient client = factory.CreateClient();
        using var form = new MultipartFormDataContent { { new ByteArrayContent(Bytes(Descriptor)), "descriptor", "file" } };

        HttpResponseMessage response = await client.PutAsync("/v1/models/sent/versions/1", form, HttpTestExtensions.Cancel);

        await response.ProblemAsync(HttpStatusCode.Forbidden, "notAllowed");
        Assert.False(Directory.Exists(Path.Combine(folder.Models, "sent")));
    }

    private Task<HttpResponseMessage> PutAsync(string path, params (string Name, byte[] Content)[] parts)
    {
        var form = new MultipartFormDataContent();
        foreach ((string name, byte[] content) in parts)
            form.Add(new ByteArrayContent(content), name, "file");
        return _client.PutAsync($"/v1/models/{path}", form, HttpTestExtensions.Cancel);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
