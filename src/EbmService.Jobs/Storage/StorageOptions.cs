using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>Where jobs and their files live. Section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    public const string Section = "Storage";

    /// <value>The one folder of the jobs database and of results; <c>data</c> by default, relative to the current directory.</value>
    [Required, MinLength(1)]
    public string DataPath { get; set; } = "data";

    /// <value>
    /// How long a request waits for a jobs database that another program holds before it is answered 503, 1 to 600 s;
    /// 10 by default. Jobs wait without limit.
    /// </value>
    [Range(1, 600)]
    public int BusySeconds { get; set; } = 10;

    /// <value>
    /// Days after its end at which a job is deleted with its results, 0 to 36500, fractions too; 0 by default: never. A job with <c>keep</c> stays.
    /// </value>
    [Range(0.0, 36_500.0)]
    public double RetainDays { get; set; }

    /// <value>
    /// Bytes that the files and records of jobs may take that have ended and are not kept; beyond it those that ended first are deleted, but none within ten
    /// minutes of its end. 0 by default: no limit.
    /// </value>
    [Range(0L, long.MaxValue)]
    public long MaxBytes { get; set; }
}

[OptionsValidator]
internal sealed partial class StorageOptionsValidator : IValidateOptions<StorageOptions>;
