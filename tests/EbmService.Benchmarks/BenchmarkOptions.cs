using System.Reflection;

namespace EbmService.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Quick">A smoke run.</param>
/// <param name="Output">The Markdown file, or null.</param>
/// <param name="Models">A model repository, or null for the bundled one.</param>
/// <param name="Rounds">Rounds of every comparison.</param>
/// <param name="Only">Names of measurements with commas between, or null for all.</param>
internal sealed record BenchmarkOptions(bool Quick, string? Output, string? Models, int Rounds, string? Only)
{
    public static string RepositoryRoot { get; } = Metadata("RepositoryRoot");

    public static string ServiceAssembly { get; } =
        Path.Combine(RepositoryRoot, "src", "EbmService.Api", "bin", Metadata("Configuration"), "net10.0", "EbmService.Api.dll");

    public static string CommandAssembly { get; } =
        Path.Combine(RepositoryRoot, "src", "EbmService.Cli", "bin", Metadata("Configuration"), "net10.0", "ebm.dll");

    public string ModelsPath => Models ?? Path.Combine(RepositoryRoot, "deploy", "models");

    public int ActualRounds => Quick ? 2 : Rounds;

    public TimeSpan LoadTime => TimeSpan.FromSeconds(Quick ? 1 : 4);

    public int LatencyRequests => Quick ? 30 : 200;

    /// <summary>A tenth of the work, or less, in a smoke run.</summary>
    public int Shortened(int full, int least = 2) => Quick ? Math.Max(least, full / 10) : full;

    /// <summary>The command that makes the report again.</summary>
    public string Command =>
        "dotnet run -c Release --project tests/EbmService.Benchmarks --" + (Only is null ? "" : $" --only {Only}")
        + (Quick ? " --quick" : $" --rounds {Rounds}") + (Output is { } path ? $" --out {path.Replace('\\', '/')}" : "");

    private static string Metadata(string key) =>
        typeof(BenchmarkOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
