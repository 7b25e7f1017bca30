using System.IO.Compression;
using System.Net;
using EbmService.Cli.Data;
using EbmService.Inference.Data;

namespace EbmService.Cli.Tests.Data;

public sealed class MnistCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task DataMnist_WrongContent_FailsAndKeepsNothing()
    {
        _bed.Http = () => new FakeServer(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(Gzip([1, 2, 3])) });

        int code = await _bed.RunAsync("data", "mnist", "--out", _bed.PathOf("mnist"));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("SHA-256", _bed.Error);
        Assert.Empty(Directory.GetFiles(_bed.PathOf("mnist")));
    }

    [Fact]
    public async Task DataMnist_Download_AsksTheGivenAddressForTheGzipFile()
    {
        var asked = new List<Uri>();
        _bed.Http = () => new FakeServer(request =>
        {
            asked.Add(request.RequestUri!);
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        });

        int code = await _bed.RunAsync("data", "mnist", "--out", _bed.PathOf("mnist"), "--url", "https://mirror.test/sets");

        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal("https://mirror.test/sets/train-images-idx3-ubyte.gz", Assert.Single(asked).ToString());
        Assert.Contains("404", _bed.Error);
    }

    [Theory]
    [InlineData("http://mirror.test/")]
    [InlineData("nonsense")]
    public async Task DataMnist_AddressThatIsNotHttps_IsRefused(string url)
    {
        int code = await _bed.RunAsync("data", "mnist", "--out", _bed.PathOf("mnist"), "--url", url);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("https", _bed.Error);
    }

    [Fact]
    public async Task DataMnist_FromAnIncompleteFolder_NamesWhatIsMissing()
    {
        Directory.CreateDirectory(_bed.PathOf("from"));

        int code = await _bed.RunAsync("data", "mnist", "--out", _bed.PathOf("mnist"), "--from", _bed.PathOf("from"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("t10k-labels-idx1-ubyte", _bed.Error);
    }

    [Fact]
    public async Task DataMnist_FromAFolderOfOtherData_Fails()
    {
        Directory.CreateDirectory(_bed.PathOf("from"));
        foreach (string name in MnistChecksums.Sha256.Keys)
            await File.WriteAllBytesAsync(_bed.PathOf("from", name), [1, 2, 3], TestContext.Current.CancellationToken);

        int code = await _bed.RunAsync("data", "mnist", "--out", _bed.PathOf("mnist"), "--from", _bed.PathOf("from"));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Empty(Directory.GetFiles(_bed.PathOf("mnist")));
    }

    [Fact]
    public void OfContent_PackedAndPlain_GiveTheSameHash()
    {
        byte[] content = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

        string plain = MnistChecksums.OfContent(new MemoryStream(content));
        string packed = MnistChecksums.OfContent(new MemoryStream(Gzip(content)));

        Assert.Equal(plain, packed);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)), plain);
    }

    [Fact]
    public void OfContent_EndlessInflation_IsRefused()
    {
        using var file = new MemoryStream(Gzip(new byte[80 << 20]));

        Assert.Throws<InvalidDatasetException>(() => MnistChecksums.OfContent(file));
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }

    private sealed class FakeServer(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }

    public void Dispose() => _bed.Dispose();
}
