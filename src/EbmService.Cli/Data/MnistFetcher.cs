using EbmService.Inference.Data;

namespace EbmService.Cli.Data;

/// <summary>Puts MNIST's files into a folder; a file gets its name only after its checksum was right.</summary>
internal sealed class MnistFetcher(CliEnvironment environment, string output)
{
    // The largest file has 10 MB; a server that sends more sends something else.
    private const long MaxDownload = 64 << 20;

    public Task DownloadAsync(string url, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(url.EndsWith('/') ? url : url + "/", UriKind.Absolute, out Uri? root) || root.Scheme != Uri.UriSchemeHttps)
            throw CliException.BadInput($"'{url}' is no https address");
        return FetchAllAsync(async (name, target) =>
        {
            using var client = new HttpClient(environment.Http()) { Timeout = TimeSpan.FromMinutes(10) };
            using HttpResponseMessage response = await client.GetAsync(new Uri(root, name + ".gz"), HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (!response.IsSuccessStatusCode)
                throw CliException.Failed($"{new Uri(root, name + ".gz")} answered {(int)response.StatusCode}: try another --url, or --from a folder");
            await CopyBoundedAsync(await response.Content.ReadAsStreamAsync(cancellation), target, cancellation);
            return ".gz";
        }, cancellation);
    }

    public Task CopyAsync(string folder, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
            throw CliException.BadInput($"there is no folder '{folder}'");
        MnistFiles files = DatasetLocator.FindMnist(folder);
        Dictionary<string, string> sources = new[] { files.TrainImages, files.TrainLabels, files.TestImages, files.TestLabels }
            .Zip(MnistChecksums.Sha256.Keys).ToDictionary(pair => pair.Second, pair => pair.First);
        return FetchAllAsync(async (name, target) =>
        {
            await using FileStream source = File.OpenRead(sources[name]);
            await CopyBoundedAsync(source, target, cancellation);
            return sources[name].EndsWith(".gz", StringComparison.Ordinal) ? ".gz" : "";
        }, cancellation);
    }

    private async Task FetchAllAsync(Func<string, Stream, Task<string>> fetch, CancellationToken cancellation)
    {
        Directory.CreateDirectory(output);
        foreach ((string name, string sha256) in MnistChecksums.Sha256)
        {
            cancellation.ThrowIfCancellationRequested();
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
                throw CliException.Failed($"{name} has SHA-256 {found[..12]}..., expected {sha256[..12]}...: the source is damaged or not MNIST; nothing was kept of it");
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

    private static async Task CopyBoundedAsync(Stream source, Stream target, CancellationToken cancellation)
    {
        var buffer = new byte[1 << 16];
        for (int read; (read = await source.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (target.Position + read > MaxDownload)
                throw CliException.Failed("the source sends more than any of MNIST's files holds");
            await target.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
    }
}
