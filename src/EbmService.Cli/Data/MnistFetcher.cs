using System.IO.Compression;
using System.Security.Cryptography;
using EbmService.Inference.Data;

namespace EbmService.Cli.Data;

/// <summary>Puts MNIST's files into a folder; a file gets its name only after its checksum was right.</summary>
internal sealed class MnistFetcher(CliEnvironment environment, string output)
{
    // The largest file has 10 MB; a server that sends more sends something else.
    private const long MaxDownload = 64 << 20;

    public Task DownloadAsync(string url, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url.EndsWith('/') ? url : url + "/", UriKind.Absolute, out Uri? root) || root.Scheme != Uri.UriSchemeHttps)
            throw CliException.BadInput($"'{url}' is no https address");
        return FetchAllAsync(async (name, target) =>
        {
            using var client = new HttpClient(environment.Http()) { Timeout = TimeSpan.FromMinutes(10) };
            using HttpResponseMessage response = await client.GetAsync(
                new Uri(root, name + ".gz"), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw CliException.Failed(
                    $"{new Uri(root, name + ".gz")} answered {(int)response.StatusCode}: try another --url, or --from a folder");
            await CopyBoundedAsync(await response.Content.ReadAsStreamAsync(cancellationToken), target, cancellationToken);
            return ".gz";
        }, cancellationToken);
    }

    public Task CopyAsync(string folder, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
            throw CliException.BadInput($"there is no folder '{folder}'");
        MnistFiles files = DatasetLocator.FindMnist(folder);
        Dictionary<string, string> sources = new[] { files.TrainImages, files.TrainLabels, files.TestImages, files.TestLabels }
            .Zip(MnistChecksums.Sha256.Keys).ToDictionary(pair => pair.Second, pair => pair.First);
        return FetchAllAsync(async (name, target) =>
        {
            await using FileStream source = File.OpenRead(sources[name]);
            await CopyBoundedAsync(source, target, cancellationToken);
            return sources[name].EndsWith(".gz", StringComparison.Ordinal) ? ".gz" : "";
        }, cancellationToken);
    }

    private async Task FetchAllAsync(Func<string, Stream, Task<string>> fetch, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(output);
        foreach ((string name, string sha256) in MnistChecksums.Sha256)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (new[] { ".gz", "" }.Any(ending => IsRight(Path.Combine(output, name + ending), sha256)))
            {
                environment.Out.WriteLine($"{name} is there already");
                continue;
            }
            await FetchAsync(name, sha256, fetch);
        }
        environment.Out.WriteLine($"MNIST is complete in {output}: 60000 training and 10000 test images. Use it as --data mnist:{output}");
    }

    private async Task FetchAsync(string name, string sha256, Func<string, Stream, Task<string>> fetch)
    {
        string temporary = Path.Combine(output, $".{name}.{Guid.NewGuid():N}.tmp");
        try
        {
            string ending;
            string found;
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                ending = await fetch(name, file);
                file.Position = 0;
                found = MnistChecksums.OfContent(file);
            }
            if (found != sha256)
                throw CliException.Failed(
                    $"{name} has SHA-256 {found[..12]}..., expected {sha256[..12]}...: the source is damaged or not MNIST; "
                    + "nothing was kept of it");
            File.Move(temporary, Path.Combine(output, name + ending), overwrite: true);
            environment.Out.WriteLine($"{name}{ending}: checksum is right");
        }
        catch (InvalidDatasetException e)
        {
            throw CliException.Failed($"{name}: {e.Message}; nothing was kept of it", e);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static bool IsRight(string path, string sha256)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            using FileStream file = File.OpenRead(path);
            return MnistChecksums.OfContent(file) == sha256;
        }
        catch (InvalidDatasetException)
        {
            return false;
        }
    }

    private static async Task CopyBoundedAsync(Stream source, Stream target, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 16];
        for (int read; (read = await source.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (target.Position + read > MaxDownload)
                throw CliException.Failed("the source sends more than any of MNIST's files holds");
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }
}

/// <summary>
/// SHA-256 of MNIST's four files after inflation. Of the content, not of the gzip files: mirrors pack the same bytes differently.
/// </summary>
internal static class MnistChecksums
{
    /// <value>
    /// By file name without .gz; the same bytes as the published MD5 sums
    /// 6bbc9ace..., a25bea73..., 2646ac64... and 27ae3e4e....
    /// </value>
    public static IReadOnlyDictionary<string, string> Sha256 { get; } = new Dictionary<string, string>
    {
        ["train-images-idx3-ubyte"] = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ["train-labels-idx1-ubyte"] = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ["t10k-images-idx3-ubyte"] = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ["t10k-labels-idx1-ubyte"] = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    };

    // The largest of the four has 47 MB; more than this is not MNIST.
    private const long MaxContent = 64 << 20;

    /// <summary>The SHA-256 of a file's content, inflated where it is gzip.</summary>
    /// <exception cref="InvalidDatasetException">The gzip data is damaged, or holds far more than MNIST.</exception>
    public static string OfContent(Stream file)
    {
        Span<byte> start = stackalloc byte[2];
        bool gzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start[0] == 0x1f && start[1] == 0x8b;
        file.Position = 0;
        try
        {
            using Stream content = gzip ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : file;
            return Hash(content);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDatasetException("the gzip data is damaged", e);
        }
    }

    private static string Hash(Stream content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        long total = 0;
        for (int read; (read = content.Read(buffer)) > 0;)
        {
            total += read;
            if (total > MaxContent)
                throw new InvalidDatasetException("the file holds more data than any of MNIST's");
            hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
