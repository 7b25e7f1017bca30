using System.Text.Json;
using EbmService.Client;
using EbmService.Core.Diagnostics;

namespace EbmService.Dashboard.Jobs;

/// <summary>The file trace.json of a sampling job.</summary>
public sealed record ChainTraces
{
    public IReadOnlyList<float> Steps { get; init; } = [];

    public IReadOnlyList<float> EnergyMean { get; init; } = [];

    public IReadOnlyList<float> EnergyStandardDeviation { get; init; } = [];

    public IReadOnlyList<float> GradientNormMean { get; init; } = [];

    public JobDiagnostics? Diagnostics { get; init; }

    public IReadOnlyList<ChainTrace> Chains { get; init; } = [];

    public static ChainTraces Read(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<ChainTraces>(json, EbmClientJson.Options) ?? new ChainTraces();

    /// <summary>Of the chains that did not diverge, from the first step after the warm-up on: (chains, draws).</summary>
    public float[][] Draws(Func<ChainTrace, IReadOnlyList<float?>> quantity, int warmup)
    {
        int first = 0;
        while (first < Steps.Count && Steps[first] < warmup)
            first++;
        return [.. Chains.Where(chain => !chain.Diverged)
            .Select(chain => quantity(chain).Skip(first).TakeWhile(value => value is not null).Select(value => value!.Value).ToArray())
            .Where(draws => draws.Length > 3)];
    }
}

public sealed record ChainTrace(int Chain, int? Label, bool Diverged, IReadOnlyList<float?> Energy, IReadOnlyList<float?> GradientNorm)
{
    public static float[] Values(IReadOnlyList<float?> values) => [.. values.Select(value => value ?? float.NaN)];
}
