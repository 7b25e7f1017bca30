using System.Text.Json;
using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

/// <summary>Chains and their diagnostics by two other implementations; see Fixtures/README.md.</summary>
internal static class DiagnosticsFixtures
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    private static readonly Dictionary<string, double[][]> Chains = Read<double[][]>("draws.json");

    public static IReadOnlyDictionary<string, ExpectedDiagnostics> Arviz { get; } = Read<ExpectedDiagnostics>("expected.json");

    public static IReadOnlyDictionary<string, ExpectedDiagnostics> Posterior { get; } = Read<ExpectedDiagnostics>("posterior.json");

    public static TheoryData<string> Names => [.. Chains.Keys];

    public static ChainDraws Draws(string name)
    {
        double[][] chains = Chains[name];
        return ChainDraws.From(TestChains.Rows(chains), chains.Length);
    }

    private static Dictionary<string, T> Read<T>(string file)
    {
        using Stream stream = typeof(DiagnosticsFixtures).Assembly.GetManifestResourceStream("Diagnostics/" + file)!;
        return JsonSerializer.Deserialize<Dictionary<string, T>>(stream, CamelCase)!;
    }
}

/// <summary>One case of a fixture file; null = the implementation gives none.</summary>
internal sealed record ExpectedDiagnostics(
    double? RHat, double? EssBulk, double? EssTail, double? EssMean, double Mean, double StandardDeviation, double? McseMean,
    double? McseStandardDeviation, double?[]? Ebfmi);
