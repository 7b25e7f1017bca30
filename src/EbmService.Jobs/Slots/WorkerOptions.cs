using System.ComponentModel.DataAnnotations;
using EbmService.Jobs.Scheduling;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Slots;

/// <summary>How the device worker runs. Section <c>Worker</c>.</summary>
public sealed class WorkerOptions
{
    public const string Section = "Worker";

    private const int TurnMilliseconds = 1000;

    /// <value>Blocks advanced at once, 0 to 256; 0 (default) takes the device's number.</value>
    [Range(0, 256)]
    public int Slots { get; set; }

    /// <value>Length of a quantum, 1 to 1000 ms; 20 by default.</value>
    [Range(1, 1000)]
    public int QuantumMilliseconds { get; set; } = 20;

    /// <value>Blocks that a slot keeps open, each of another job, 1 to 64; 4 by default. More jobs take turns through checkpoints.</value>
    [Range(1, JobScheduler.MaxPlaces)]
    public int OpenBlocksPerSlot { get; set; } = 4;

    /// <value>
    /// Memory for checkpoints of blocks that gave up their place for fairness, 0 to 65536 MiB; 256 by default. At the
    /// bound jobs of equal priority wait instead.
    /// </value>
    [Range(0, 65_536)]
    public int ParkedMegabytes { get; set; } = 256;

    /// <value>Waiting without service that raises a job by one priority, 0 to 86400 s; 60 by default, 0: never.</value>
    [Range(0.0, 86_400.0)]
    public double AgeingSeconds { get; set; } = 60;

    /// <value>
    /// A job goes first among equals when less than this is left beyond what it still needs until its deadline, 0 to
    /// 3600 s; 10 by default.
    /// </value>
    [Range(0.0, 3600.0)]
    public double DeadlineMarginSeconds { get; set; } = 10;

    /// <value>
    /// Seconds from one checkpoint of a running block to the next, over 0 to 3600; 5 by default. Longer where saving is
    /// slow, so that it costs a few percent at most.
    /// </value>
    [Range(0.0, 3600.0, MinimumIsExclusive = true)]
    public double CheckpointSeconds { get; set; } = 5;

    /// <value>
    /// Seconds from one computation of a running job's metrics over all its blocks to the next, 0.1 to 3600; 2 by
    /// default. Longer where computing is slow.
    /// </value>
    [Range(0.1, 3600.0)]
    public double DiagnosticsSeconds { get; set; } = 2;

    /// <value>How long a job waits for a model that is away or damaged before it fails, 0 to 86400 s; 300 by default.</value>
    [Range(0.0, 86_400.0)]
    public double ModelWaitSeconds { get; set; } = 300;

    /// <value>
    /// How long a stop waits for the quanta in flight and for every block's state to be stored, 0 to 600 s; 5 by
    /// default. The host waits as long.
    /// </value>
    [Range(0, 600)]
    public int StopSeconds { get; set; } = 5;

    /// <value>Quanta of a turn of about a second: how long a block keeps its place while an equal job waits for one.</value>
    internal int TurnQuanta => Math.Max(1, TurnMilliseconds / QuantumMilliseconds);
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
