using System.ComponentModel.DataAnnotations;

namespace EbmService.Inference.Models;

/// <summary>Configuration section <c>Models</c>.</summary>
public sealed class ModelsOptions
{
    public const string Section = "Models";

    public const string DefaultPath = "deploy/models";

    /// <value>The repository's folder. A relative path is sought from the working directory, then beside the program. Default deploy/models.</value>
    [Required]
    public string Path { get; set; } = DefaultPath;
}
