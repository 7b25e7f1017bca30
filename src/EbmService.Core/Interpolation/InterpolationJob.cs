using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Interpolation;

/// <summary>The job type <c>interpolation</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class InterpolationJob
{
    public const string Name = "interpolation";

    /// <summary>Names of the metrics.</summary>
    public const string BarrierMean = "barrierMean";
    public const string StraightBarrierMean = "straightBarrierMean";
    public const string ResidualForce = "residualForce";

    public static JobTypeDescription Description { get; } = new(
        Name, "Paths between inputs: straight, and of least energy by a nudged elastic band.", "pathSteps", typeof(InterpolationRequest),
        typeof(InterpolationSpec))
    {
        Task = ModelTask.Energy,
        Metrics =
        [
            new(BarrierMean, "Mean over the paths of the highest energy along a path less that of its higher end.", MetricMerge.Mean),
            new(StraightBarrierMean, "The same of the straight paths.", MetricMerge.Mean),
            new(ResidualForce, "The largest force across a path, the norm of a point's gradient without its part along the path: 0 on a path of least energy. Absent of straight paths.", MetricMerge.Largest),
        ],
        Examples =
        [
            new("moons-path", "two-moons: a path of least energy from one moon to the other",
                """{"type": "interpolation", "model": "two-moons", "spec": {"from": {"data": [[0, 1]]}, "to": {"data": [[1, -0.5]]}, "points": 15, "steps": 100}}"""),
            new("moons-straight", "two-moons: the energies along a straight path",
                """{"type": "interpolation", "model": "two-moons", "spec": {"from": {"data": [[0, 1]]}, "to": {"data": [[1, -0.5]]}, "method": "straight"}}"""),
        ],
    };
}
