namespace EbmService.Core.Jobs;

/// <summary>What a job will take of the machine, estimated before it is taken in.</summary>
/// <param name="StepBytes">Memory that one block needs on a slot: its chains and a pass through the model with gradient.</param>
/// <param name="ResultBytes">All that the job's blocks leave, once, but for <see cref="StreamedBytes"/>.</param>
public sealed record JobFootprint(double StepBytes, double ResultBytes)
{
    /// <value>Of a job whose type does not say.</value>
    public static JobFootprint Unknown { get; } = new(0, 0);

    /// <value>Of results, what goes to the disk in parts and is read from it in parts: it is there twice, and never in memory.</value>
    public double StreamedBytes { get; init; }

    /// <value>The member of the request that <see cref="StepBytes"/> shrinks with.</value>
    public string StepField { get; init; } = "spec";

    /// <value>The member of the request that <see cref="ResultBytes"/> shrinks with.</value>
    public string ResultField { get; init; } = "spec";
}
