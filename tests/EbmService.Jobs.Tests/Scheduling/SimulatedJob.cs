using EbmService.Core.Models;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>What a simulated job is made of.</summary>
/// <param name="Milliseconds">Slot time that a quantum of it takes.</param>
/// <param name="Quanta">Quanta per block.</param>
/// <param name="Work">Units of work that a quantum does: jobs of equal slot time may differ in it by any factor.</param>
internal sealed record JobShape(
    string Tenant = "a", int Priority = 0, int Milliseconds = 20, int Blocks = 1, int Quanta = int.MaxValue, double DeadlineSeconds = double.PositiveInfinity,
    string Model = "m", int Work = 1);

/// <summary>A job of <see cref="SchedulingSimulation"/>, with the bookkeeping that live jobs do.</summary>
internal sealed class SimulatedJob(int number, JobShape shape, JobShare share, double now)
{
    public int Number => number;

    public JobShape Shape => shape;

    public JobShare Share => share;

    public ModelKey Model { get; } = new(shape.Model, "1");

    /// <value>Quanta left of the blocks that wait, parked ones first.</value>
    public LinkedList<int> Waiting { get; } = new(Enumerable.Repeat(shape.Quanta, shape.Blocks));

    public int BlocksLeft { get; set; } = shape.Blocks;

    public long QuantaLeft { get; set; } = (long)shape.Blocks * shape.Quanta;

    /// <value>Milliseconds of slot time.</value>
    public long Served { get; set; }

    public double LastServed { get; set; } = now;

    /// <value>The most jobs that its tenant had of its priority since it was last served.</value>
    public int Siblings { get; set; }

    public JobRank Rank(RankingView view) => JobRank.Of(share, QuantaLeft * shape.Work, BlocksLeft, view);
}

internal sealed class SimulatedBlock(SimulatedJob job, int left)
{
    public SimulatedJob Job => job;

    public int Left { get; set; } = left;

    public int Quanta { get; set; }
}

internal sealed class SimulatedSlot(int index)
{
    public int Index => index;

    public List<SimulatedBlock> Open { get; } = [];

    public SimulatedBlock? Running { get; set; }

    public double FreeAt { get; set; }

    public bool IsAskedToShare { get; set; }

    public ModelKey? LastModel { get; set; }
}
