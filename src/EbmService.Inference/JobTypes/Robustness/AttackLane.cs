namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>Where the attack on a row stands.</summary>
internal enum LanePhase
{
    /// <summary>There is no row.</summary>
    Idle,

    /// <summary>The row as it is goes to the classifier.</summary>
    Clean,

    /// <summary>A point of a run is differentiated at.</summary>
    Attack,

    /// <summary>A point goes to the classifier, with noise that the attack has not seen.</summary>
    Judge,
}

/// <summary>One place of a tile and the row that is attacked there.</summary>
internal sealed class AttackLane(int length)
{
    public const int Numbers = 8;

    public LanePhase Phase { get; set; }

    /// <value>In the block.</value>
    public int Row { get; set; }

    /// <value>Index of the radius.</value>
    public int Radius { get; set; }

    public int Restart { get; set; }

    /// <value>Steps of the run so far.</value>
    public int Iteration { get; set; }

    /// <value>Draws of noise so far: each has a seed of its own.</value>
    public int Draws { get; set; }

    /// <value>Whether the point was judged already, so that the next gradient only moves it.</value>
    public bool WasJudged { get; set; }

    /// <value>Whether the best point of the run is judged, not the one that the run is at.</value>
    public bool JudgesBest { get; set; }

    /// <value>Cross-entropy at <see cref="Best"/>.</value>
    public double BestLoss { get; set; }

    /// <value>Where the run is.</value>
    public float[] Point { get; } = new float[length];

    /// <value>The run's point of the largest loss.</value>
    public float[] Best { get; } = new float[length];

    /// <value>What goes through the model next.</value>
    public float[] Asked => Phase == LanePhase.Judge && JudgesBest ? Best : Point;

    public long[] Save() => [(long)Phase, Row, Radius, Restart, Iteration, Draws, WasJudged ? 1 : 0, JudgesBest ? 1 : 0];

    public void Restore(ReadOnlySpan<long> saved)
    {
        (Phase, Row, Radius, Restart) = ((LanePhase)saved[0], (int)saved[1], (int)saved[2], (int)saved[3]);
        (Iteration, Draws, WasJudged, JudgesBest) = ((int)saved[4], (int)saved[5], saved[6] != 0, saved[7] != 0);
    }
}
