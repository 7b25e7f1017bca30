using EbmService.Core.Models;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>What a simulated job is made of.</summary>
/// <param name="QuantumSteps">Chain-steps that a quantum of it does.</param>
/// <param name="Quanta">Quanta per block.</param>
internal sealed record JobShape(
    string Tenant = "a", int Priority = 0, int QuantumSteps = 1, int Blocks = 1, int Quanta = int.MaxValue, double DeadlineSeconds = double.PositiveInfinity,
    string Model = "m");

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

    public long Served { get; set; }

    public double LastServed { get; set; } = now;

    /// <value>The most jobs that its tenant had of its priority since it was last served.</value>
    public int Siblings { get; set; }

    public JobRank Rank(RankingView view) => JobRank.Of(share, QuantaLeft * shape.QuantumSteps, BlocksLeft, view);
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
