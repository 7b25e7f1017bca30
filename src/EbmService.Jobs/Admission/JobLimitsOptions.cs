using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>What the queues take before they answer 503. Section <c>Limits</c>.</summary>
public sealed class JobLimitsOptions
{
    public const string Section = "Limits";

    /// <value>Jobs waiting for their first block, 1 to 1 000 000; 1000 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxQueuedJobs { get; set; } = 1000;

    /// <value>
    /// The share of the machine's memory (of the container's, in one) that a
    /// job may be estimated to take, over 0 to 1; 0.5 by default.
    /// </value>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double MemoryShare { get; set; } = 0.5;

    /// <value>Short queries waiting for a quantum's end, 1 to 1 000 000; 1024 by default.</value>
    [Range(1, 1_000_000)]
    public int MaxQueuedQueries { get; set; } = 1024;

    /// <value>Inputs evaluated at one boundary, 1 to 65536; 256 by default. A larger query is answered in parts.</value>
    [Range(1, 65_536)]
    public int MaxQueryRows { get; set; } = 256;
}

[OptionsValidator]
internal sealed partial class JobLimitsOptionsValidator : IValidateOptions<JobLimitsOptions>;
