using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Dashboard;

/// <summary>A file of the dashboard and its compressed copies, by content coding, the best first.</summary>
internal sealed record DashboardFile(string Path, string MediaType, string CacheControl, IReadOnlyList<(string Coding, string Path)> Compressed)
{
    private readonly Lazy<string> _hash = new(() => Hash(Path));

    /// <summary>Of the file in a coding: the bytes differ.</summary>
    public EntityTagHeaderValue TagOf(string? coding) => new($"\"{_hash.Value}{(coding is null ? "" : "-" + coding)}\"");

    private static string Hash(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file))[..32];
    }
}

/// <summary>The dashboard as it was published, beside the program. Read once; thread-safe.</summary>
internal sealed class DashboardFiles
{
    private const string Folder = "dashboard";
    private static readonly (string Coding, string Suffix)[] Codings = [("br", ".br"), ("gzip", ".gz")];

    private readonly FrozenDictionary<string, DashboardFile> _files;

    public DashboardFiles() : this(Path.Combine(AppContext.BaseDirectory, Folder))
    {
    }

    internal DashboardFiles(string root)
    {
        var types = new FileExtensionContentTypeProvider();
        var files = new Dictionary<string, DashboardFile>();
        foreach (string path in Directory.Exists(root) ? Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories) : [])
        {
            if (Codings.Any(one => path.EndsWith(one.Suffix, StringComparison.Ordinal)))
                continue;
            string name = Path.GetRelativePath(root, path).Replace('\\', '/');
            files[name] = new DashboardFile(
                path, types.TryGetContentType(name, out string? type) ? type : "application/octet-stream", IsNamedByContent(name)
                    ? "public, max-age=31536000, immutable" : "no-cache",
                [.. Codings.Select(one => (one.Coding, Path: path + one.Suffix)).Where(one => File.Exists(one.Path))]);
        }
        _files = files.ToFrozenDictionary();
    }

    public DashboardFile? Find(string name) => _files.GetValueOrDefault(name);

    /// <summary>Publish writes a part of the content's hash into most names: name.hash.wasm.</summary>
    private static bool IsNamedByContent(string name) =>
        name.StartsWith("_framework/", StringComparison.Ordinal) && Path.GetFileNameWithoutExtension(name) is var stem
        && stem.LastIndexOf('.') is > 0 and var dot && stem.Length - dot - 1 == 10 && stem[(dot + 1)..].All(char.IsAsciiLetterOrDigit);
}
