using EbmService.Core.Tensors;

namespace EbmService.Core.Jobs;

/// <summary>How the chains of a running job went so far.</summary>
/// <param name="Step">Steps per chain that every block has told of.</param>
/// <param name="Steps">The steps of the points, counted from 1: after the warm-up, at most 256.</param>
/// <param name="Quantities">What was recorded: energy, gradientNorm.</param>
public sealed record JobTraceResponse(int Step, IReadOnlyList<int> Steps, IReadOnlyList<JobTraceQuantity> Quantities)
{
    public static JobTraceResponse Empty { get; } = new(0, [], []);
}

/// <summary>A quantity of chains at the trace's steps.</summary>
/// <param name="Mean">Over the finite chains.</param>
/// <param name="StandardDeviation">Over the finite chains.</param>
/// <param name="Chains">Each of the first chains alone, at most 64; null where one was not finite.</param>
public sealed record JobTraceQuantity(
    string Name, IReadOnlyList<float> Mean, IReadOnlyList<float> StandardDeviation, IReadOnlyList<IReadOnlyList<float?>> Chains);

/// <summary>The latest preview of a running job as numbers.</summary>
/// <param name="Step">Steps done when it was taken; null where there is none.</param>
/// <param name="Rows">States of the first chains: (chains, ...input); null where there is none.</param>
public sealed record JobPreviewResponse(int? Step, TensorPayload? Rows)
{
    public static JobPreviewResponse None { get; } = new(null, null);
}
