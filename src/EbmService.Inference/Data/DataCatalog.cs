using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using EbmService.Core.Datasets;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Data;

/// <summary>Rows as a model sees them, and their hash.</summary>
/// <param name="Sha256">64 hex digits over all rows and labels.</param>
/// <param name="Stamp">Of the files as they were read.</param>
internal sealed record NamedData(ITrainingData Rows, string Sha256, string Stamp);

/// <summary>
/// The data sets that training jobs may name: those of the operator's folder, by name and never by path, uploaded ones, and <c>two-moons</c>, which is made. What was read
/// last is kept, as a job asks for it again when it begins. Thread-safe.
/// </summary>
internal sealed class DataCatalog(IOptions<DataOptions> options, IDatasets? uploaded = null)
{
    private const string TwoMoons = "two-moons";
    private const int Kept = 4;

    private readonly Lock _lock = new();

    /// <summary>One reading at a time: sets are large.</summary>
    private readonly Lock _reading = new();
    private readonly LinkedList<NamedData> _latest = [];

    /// <summary>In ordinal order.</summary>
    /// <param name="visible">The uploaded ones that may be named; all of them by default.</param>
    public IReadOnlyList<string> Names(IDatasets? visible = null) => [.. (Folder is { } folder ? Directory.EnumerateFileSystemEntries(folder) : [])
        .Select(path => NameOf(Path.GetFileName(path))).OfType<string>().Append(TwoMoons)
        .Concat((visible ?? uploaded)?.List().Select(dataset => dataset.Name) ?? []).Distinct().Order(StringComparer.Ordinal)];

    private string? Folder => options.Value.Path is { Length: > 0 } path && Directory.Exists(path) ? Path.GetFullPath(path) : null;

    /// <summary>Whether there is a data set of that name.</summary>
    public bool Has(string name, IDatasets? visible = null) => Find(name) is not null || Uploaded(name, visible) is not null;

    /// <summary>The uploaded dataset of that name, where the operator's folder has none; null where there is none.</summary>
    public Dataset? Uploaded(string name, IDatasets? visible = null) => Find(name) is null ? (visible ?? uploaded)?.Find(name).Value : null;

    /// <summary>Reads a data set as it is now.</summary>
    /// <exception cref="InvalidDatasetException">There is none of that name, it is damaged, or the model takes other rows.</exception>
    public NamedData Read(string name, InputSchema input, IDatasets? visible = null)
    {
        if (Uploaded(name, visible) is { } dataset)
            return ReadUploaded(dataset, input);
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
    /// <param name="rowsSha256">Of an uploaded one's file: it is found by its content, whoever uploaded it and under whatever name.</param>
    /// <exception cref="InvalidDatasetException">It is not there any more, or has changed.</exception>
    public ITrainingData Read(string name, InputSchema input, string sha256, string? rowsSha256, string? labelsSha256)
    {
        NamedData? kept;
        lock (_lock)
            kept = _latest.FirstOrDefault(data => data.Sha256 == sha256);
        Dataset? dataset = rowsSha256 is null ? null
            : uploaded?.List().FirstOrDefault(other => other.Sha256 == rowsSha256 && other.LabelsSha256 == labelsSha256);
        NamedData found = kept ?? (dataset is null ? Read(name, input) : ReadUploaded(dataset, input));
        return found.Sha256 == sha256
            ? found.Rows
            : throw new InvalidDatasetException($"the data set '{name}' has changed since the job was accepted");
    }

    private NamedData ReadUploaded(Dataset dataset, InputSchema input)
    {
        if (!RowsAcceptance.Fits(dataset.Shape, input.Shape))
            throw new InvalidDatasetException($"the rows have shape [{string.Join(", ", dataset.Shape)}], the model takes [{string.Join(", ", input.Shape)}]");
        string stamp = string.Create(CultureInfo.InvariantCulture, $"{dataset.Sha256} {dataset.LabelsSha256} {string.Join('x', input.Shape)} {input.Min} {input.Max} {input.Kind}");
        lock (_reading)
        {
            lock (_lock)
            {
                if (_latest.FirstOrDefault(data => data.Stamp == stamp) is { } kept)
                    return kept;
            }
            using Stream rows = uploaded!.Open(dataset.Sha256);
            using Stream? labels = dataset.LabelsSha256 is { } of ? uploaded.Open(of) : null;
            float[]? classes = labels is null ? null : RowsReader.Read(labels, new InputSchema(InputKind.Vector, [1], 0, 0), 0, dataset.Rows);
            var data = new ArrayTrainingData(
                RowsReader.Read(rows, input, 0, dataset.Rows), input.Length(), classes is null ? null : Array.ConvertAll(classes, label => (int)label));
            var read = new NamedData(data, HashOf(data), stamp);
            Keep(read);
            return read;
        }
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
