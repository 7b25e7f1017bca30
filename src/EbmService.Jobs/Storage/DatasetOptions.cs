using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>What uploads of datasets may take. Section <c>Datasets</c>.</summary>
public sealed class DatasetOptions
{
    public const string Section = "Datasets";

    /// <value>Bytes of one upload as it comes over the wire; 1 KiB to 1 TiB, 1 GiB by default.</value>
    [Range(1024, 1L << 40)]
    public long MaxUploadBytes { get; set; } = 1L << 30;

    /// <value>Bytes of the rows after inflation, as they are stored; 1 KiB to 1 TiB, 4 GiB by default.</value>
    [Range(1024, 1L << 40)]
    public long MaxContentBytes { get; set; } = 4L << 30;

    /// <value>Entries of a zip; 1 to 2 000 000, 200 000 by default.</value>
    [Range(1, 2_000_000)]
    public int MaxEntries { get; set; } = 200_000;

    /// <value>Datasets that are kept at the same time; 1 to 100 000, 1000 by default.</value>
    [Range(1, 100_000)]
    public int MaxDatasets { get; set; } = 1000;
}

[OptionsValidator]
internal sealed partial class DatasetOptionsValidator : IValidateOptions<DatasetOptions>;
