using System.ComponentModel.DataAnnotations;

namespace EbmService.Inference.Models;

/// <summary>Configuration section <c>Models</c>.</summary>
public sealed class ModelsOptions
{
    public const string Section = "Models";

    public const string DefaultPath = "deploy/models";

    /// <value>
    /// The repository's folder. A relative path is sought from the working
    /// directory, then beside the program. Default deploy/models.
    /// </value>
    [Required]
    public string Path { get; set; } = DefaultPath;

    /// <value>
    /// Folders outside the repository that links in it may lead to, for example the blobs of a Hugging Face cache; none by default.
    /// Environment: Models__AllowedLinkTargets__0.
    /// </value>
    public IReadOnlyList<string> AllowedLinkTargets { get; set; } = [];

    /// <value>
    /// Whether versions that are TorchScript may be served. TorchScript is code: whoever can write into the repository can then run
    /// code as this process. Default false.
    /// </value>
    public bool AllowTorchScript { get; set; }

    /// <value>Whether clients may add versions by upload; false by default.</value>
    public bool AllowUpload { get; set; }

    /// <value>Whether clients may have models made of hosted ones (POST /v1/models); true by default: nothing foreign comes in by it.</value>
    public bool AllowComposition { get; set; } = true;

    /// <value>Bytes of one uploaded version with its descriptor; 1 KiB to 1 GiB, 256 MiB by default. An upload is held in memory.</value>
    [Range(1024, 1L << 30)]
    public long MaxUploadBytes { get; set; } = 256L << 20;

    /// <value>
    /// Seconds between two looks at the repository's folder, which serve what is new there; 0.05 to 86 400, or 0 (the default): it is read
    /// at the start and by command alone.
    /// </value>
    [Range(0, 86_400.0)]
    public double PollSeconds { get; set; }

    /// <value>
    /// Whether each slot computes once with the newest ready version of each model before the service says that it is ready, as far as
    /// they fit into <see cref="MaxMemoryMegabytes"/>; true by default.
    /// </value>
    public bool WarmUp { get; set; } = true;

    /// <value>
    /// Memory that models may take on the device, in MiB: over it those that nobody uses leave, the least recently used first, and come
    /// back at their next use; what is in use, and what was used last, stays. 0 (the default): no limit.
    /// </value>
    [Range(0, 1 << 24)]
    public int MaxMemoryMegabytes { get; set; }
}
