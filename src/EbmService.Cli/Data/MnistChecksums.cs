using System.IO.Compression;
using System.Security.Cryptography;
using EbmService.Inference.Data;

namespace EbmService.Cli.Data;

/// <summary>
/// SHA-256 of MNIST's four files after inflation. Of the content, not of the gzip files: mirrors pack the same bytes differently.
/// </summary>
internal static class MnistChecksums
{
    /// <value>By file name without .gz; the same bytes as the published MD5 sums 6bbc9ace..., a25bea73..., 2646ac64... and 27ae3e4e....</value>
    public static IReadOnlyDictionary<string, string> Sha256 { get; } = new Dictionary<string, string>
    {
        ["train-images-idx3-ubyte"] = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ["train-labels-idx1-ubyte"] = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ["t10k-images-idx3-ubyte"] = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ["t10k-labels-idx1-ubyte"] = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    };

    // The largest of the four has 47 MB; more than this is no MNIST and may be a bomb.
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
