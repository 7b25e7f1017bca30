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
}

[OptionsValidator]
internal sealed partial class StorageOptionsValidator : IValidateOptions<StorageOptions>;
