using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using EbmService.Core.Models;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Data;

/// <summary>Rows as a model sees them, and their hash.</summary>
/// <param name="Sha256">64 hex digits over all rows and labels.</param>
/// <param name="Stamp">Of the files as they were read.</param>
internal sealed record NamedData(ITrainingData Rows, string Sha256, string Stamp);

/// <summary>
/// The data sets that jobs may name: those of the operator's folder, by name and never by path, and <c>two-moons</c>, which is made. What was read
/// last is kept, as a job asks for it again when it begins. Thread-safe.
/// </summary>
internal sealed class DataCatalog(IOptions<DataOptions> options)
{
    private const string TwoMoons = "two-moons";
    private const int Kept = 4;

    private readonly Lock _lock = new();

    /// <summary>One reading at a time: sets are large.</summary>
    private readonly Lock _reading = new();
    private readonly LinkedList<NamedData> _latest = [];

    /// <value>In ordinal order.</value>
    public IReadOnlyList<string> Names => [.. (Folder is { } folder ? Directory.EnumerateFileSystemEntries(folder) : [])
        .Select(path => NameOf(Path.GetFileName(path))).OfType<string>().Append(TwoMoons).Distinct().Order(StringComparer.Ordinal)];

    private string? Folder => options.Value.Path is { Length: > 0 } path && Directory.Exists(path) ? Path.GetFullPath(path) : null;

    /// <summary>Whether there is a data set of that name.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>Reads a data set as it is now.</summary>
    /// <exception cref="InvalidDatasetException">There is none of that name, it is damaged, or the model takes other rows.</exception>
    public NamedData Read(string name, InputSchema input)
    {
        DataSource source = Find(name) ?? throw new InvalidDatasetException($"there is no data set '{name}'");
        try
        {
            lock (_reading)
            {
                string stamp = StampOf(source, input);
                lock (_lock)
                {
                    if (_latest.FirstOrDefault(data => data.Stamp == stamp) is { } kept)
                        return kept;
                }
                ITrainingData rows = source.ReadTraining(input);
                var read = new NamedData(rows, HashOf(rows), stamp);
                Keep(read);
                return read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDatasetException($"the data set '{name}' can't be read", e);
        }
    }

    /// <summary>The data set with that hash, read again where it is not at hand.</summary>
    /// <exception cref="InvalidDatasetException">It is not there any more, or has changed.</exception>
    public ITrainingData Read(string name, InputSchema input, string sha256)
    {
        NamedData? kept;
        lock (_lock)
            kept = _latest.FirstOrDefault(data => data.Sha256 == sha256);
        NamedData found = kept ?? Read(name, input);
        return found.Sha256 == sha256
            ? found.Rows
            : throw new InvalidDatasetException($"the data set '{name}' has changed since the job was accepted");
    }

    private void Keep(NamedData data)
    {
        lock (_lock)
        {
            _latest.AddFirst(data);
            if (_latest.Count > Kept)
                _latest.RemoveLast();
        }
    }

    /// <summary>Names, lengths and times of the files, and how the model sees their numbers: as long as they are the same nothing is read again.</summary>
    private static string StampOf(DataSource source, InputSchema input)
    {
        var text = new StringBuilder(source.Name).Append(CultureInfo.InvariantCulture, $" {string.Join('x', input.Shape)} {input.Min} {input.Max} {input.Kind} {input.Variables}\n");
        foreach (FileInfo file in source.Files.Select(path => new FileInfo(path)))
            text.Append(CultureInfo.InvariantCulture, $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}\n");
        return text.ToString();
    }

    private DataSource? Find(string name)
    {
        if (!ModelNames.IsValid(name))
            return null;
        if (Folder is { } folder)
        {
            string path = Path.Combine(folder, name);
            if (Directory.Exists(path))
                return DataSource.OfFolder(path);
            if (File.Exists(path + ".zip"))
                return DataSource.Of("zip", path + ".zip");
            if (File.Exists(path + ".npy"))
                return DataSource.Of("npy", Both(path + ".npy", path + ".labels.npy"));
            if (File.Exists(path + ".csv"))
                return DataSource.Of("csv", path + ".csv");
            if (Idx(path + ".idx3-ubyte") is { } images)
                return DataSource.Of("idx", Idx(path + ".idx1-ubyte") is { } labels ? $"{images},{labels}" : images);
        }
        return name == TwoMoons ? DataSource.Parse(TwoMoons) : null;
    }

    private static string Both(string rows, string labels) => File.Exists(labels) ? $"{rows},{labels}" : rows;

    private static string? Idx(string path) => new[] { path, path + ".gz" }.FirstOrDefault(File.Exists);

    /// <returns>The data set that a file or folder is of; null for other things.</returns>
    private static string? NameOf(string entry)
    {
        string name = entry;
        foreach (string ending in new[] { ".gz", ".zip", ".npy", ".labels", ".csv", ".idx3-ubyte", ".idx1-ubyte" })
            name = name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
        return ModelNames.IsValid(name) ? name : null;
    }

    private static string HashOf(ITrainingData data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var row = new float[data.RowLength];
        Span<byte> label = stackalloc byte[sizeof(int)];
        for (int i = 0; i < data.Count; i++)
        {
            data.CopyRow(i, row);
            hash.AppendData(MemoryMarshal.AsBytes(row.AsSpan()));
            BinaryPrimitives.WriteInt32LittleEndian(label, data.Label(i));
            hash.AppendData(label);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
