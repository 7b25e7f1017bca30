using System.Reflection;

namespace EbmService.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Quick">A smoke run.</param>
/// <param name="Output">The Markdown file, or null.</param>
/// <param name="Models">A model repository, or null for the bundled one.</param>
/// <param name="Rounds">Rounds of every comparison.</param>
internal sealed record BenchmarkOptions(bool Quick, string? Output, string? Models, int Rounds)
{
    public const string Model = "mnist-jem";

    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    public static string ServiceAssembly { get; } =
        Path.Combine(RepositoryRoot, "src", "EbmService.Api", "bin", Metadata("Configuration"), "net10.0", "EbmService.Api.dll");

    public string ModelsPath => Models ?? Path.Combine(RepositoryRoot, "deploy", "models");

    public int ActualRounds => Quick ? 2 : Rounds;

    public int Chains => 256;

    public int Steps => Quick ? 20 : 200;

    public TimeSpan LoadTime => TimeSpan.FromSeconds(Quick ? 1 : 4);

    public int LatencyRequests => Quick ? 30 : 200;

    private static string Metadata(string key) =>
        typeof(BenchmarkOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
