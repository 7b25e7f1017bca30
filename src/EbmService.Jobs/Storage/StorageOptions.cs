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
}

[OptionsValidator]
internal sealed partial class StorageOptionsValidator : IValidateOptions<StorageOptions>;
