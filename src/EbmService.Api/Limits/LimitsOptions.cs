using System.ComponentModel.DataAnnotations;
using EbmService.Core.Jobs;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Limits;

/// <summary>Section <c>Limits</c>: the largest requests this server takes. Checked at start.</summary>
public sealed class LimitsOptions
{
    public const string Section = "Limits";

    /// <value>Bytes of a body, also after inflation; 1 KiB to 1 GiB, 16 MiB by default.</value>
    [Range(1024, 1L << 30)]
    public long MaxBodyBytes { get; set; } = 16L << 20;

    /// <value>The slowest body, bytes a second after the time of grace; 1 to 1 000 000, 240 by default.</value>
    [Range(1.0, 1_000_000)]
    public double MinBodyBytesPerSecond { get; set; } = 240;

    /// <value>Seconds before a slow body is answered 408; 1.5 to 600, 5 by default.</value>
    [Range(1.5, 600)]
    public double SlowBodyGraceSeconds { get; set; } = 5;

    /// <value>Inputs of one short query; 1 to 65 536, 256 by default.</value>
    [Range(1, 65_536)]
    public int MaxBatch { get; set; } = 256;

    /// <value>Refinement steps of one classification; 0 to 10 000, 200 by default.</value>
    [Range(0, 10_000)]
    public int MaxRefineSteps { get; set; } = 200;

    /// <value>
    /// Refinement steps times inputs of one classification, as all run at
    /// one quantum boundary; 1 to 10 000 000, 1000 by default.
    /// </value>
    [Range(1, 10_000_000)]
    public int MaxRefineInputSteps { get; set; } = 1000;

    /// <value>Chains of one job; at least 1, 65 536 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxChains { get; set; } = 65_536;

    /// <value>Steps of one chain; at least 1, 1 000 000 by default.</value>
    [Range(1, int.MaxValue)]
    public int MaxSteps { get; set; } = 1_000_000;

    /// <value>Gradients (chains x replicas x steps x leapfrog steps) x numbers in one input; at least 1, 1e12 by default.</value>
    [Range(1.0, double.MaxValue)]
    public double MaxElementSteps { get; set; } = 1e12;

    /// <value>Chains x kept states x numbers in one input of one job; 1 to 500 000 000, 268 435 456 by default.</value>
    [Range(1, 500_000_000)]
    public int MaxResultNumbers { get; set; } = 1 << 28;

    /// <value>Numbers of one tensor inside a spec (data, held values); 1 to 16 777 216, 131 072 by default.</value>
    [Range(1, 1 << 24)]
    public int MaxInlineNumbers { get; set; } = 1 << 17;

    public JobLimits ToJobLimits() => new(MaxChains, MaxSteps, MaxElementSteps, MaxResultNumbers, MaxInlineNumbers);
}

/// <summary>Checks all members and reports all errors together.</summary>
[OptionsValidator]
internal sealed partial class LimitsOptionsValidator : IValidateOptions<LimitsOptions>;
