namespace EbmService.Core.Diagnostics;

/// <summary>The kept draws of one block: what R-hat and ESS are computed from. Immutable; leaves the slot's thread.</summary>
/// <param name="Interval">Steps between two draws; doubles when the room is used up, at step counts fixed by the spec alone.</param>
/// <param name="FirstStep">Steps done at the first draw.</param>
/// <param name="Draws">Draws kept, the same for every chain.</param>
/// <param name="Names">What was recorded: energy, gradientNorm, projection0, ...</param>
/// <param name="Values">(draws, names, chains) row-major; not finite where a chain was not.</param>
public sealed record ChainSeries(int Chains, int Interval, int FirstStep, int Draws, IReadOnlyList<string> Names, float[] Values);
