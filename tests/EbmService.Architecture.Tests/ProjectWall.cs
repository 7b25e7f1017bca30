namespace EbmService.Architecture.Tests;

/// <summary>What one project may name: the table in docs/architecture.md.</summary>
/// <param name="Name">The project, without "EbmService.".</param>
/// <param name="Projects">Projects it may reference, without "EbmService.".</param>
/// <param name="Packages">Packages it may reference: a name, or a prefix that ends in a star.</param>
/// <param name="AspNet">Whether it may use the ASP.NET Core framework.</param>
internal sealed record ProjectWall(string Name, string[] Projects, string[] Packages, bool AspNet = false)
{
    private static readonly string[] Abstractions =
        ["Microsoft.Extensions.DependencyInjection*", "Microsoft.Extensions.Hosting*", "Microsoft.Extensions.Logging*",
            "Microsoft.Extensions.Options*"];

    private static readonly string[] InferenceOnly = ["TorchSharp", "SkiaSharp", "ScottPlot", "MathNet.Numerics", "Sylvan.Data.Csv"];

    public static readonly IReadOnlyList<ProjectWall> All =
    [
        new("Core", [], []),
        new("Inference", ["Core"], ["TorchSharp*", "libtorch-*", "SkiaSharp*", "ScottPlot", "MathNet.Numerics", "Sylvan.Data.Csv", .. Abstractions]),
        new("Jobs", ["Core"], ["Microsoft.EntityFrameworkCore*", "Npgsql.EntityFrameworkCore.PostgreSQL", .. Abstractions]),
        new("Api", ["Core", "Jobs", "Inference", "Dashboard"],
            ["Swashbuckle.*", "Microsoft.AspNetCore.*", "MessagePack", "Microsoft.EntityFrameworkCore.Design", "Grpc.*",
                "OpenTelemetry.*", .. Abstractions],
            AspNet: true),
        new("Cli", ["Core", "Jobs", "Inference"], ["System.CommandLine", "Spectre.Console", .. Abstractions]),
        new("Client", ["Core"],
            ["Microsoft.AspNetCore.SignalR.Client", "Microsoft.Extensions.Http", "Microsoft.Extensions.Http.Resilience", .. Abstractions]),
        // Runs in browsers: what it shows it has over the client.
        new("Dashboard", ["Core", "Client"], ["Microsoft.AspNetCore.Components.WebAssembly", "MudBlazor"]),
        new("Cluster", ["Core", "Jobs"], ["Microsoft.Orleans.*", .. Abstractions]),
    ];

    public bool AllowsPackage(string name) => Packages.Any(allowed => Matches(name, allowed));

    /// <summary>Whether a compiled assembly of this project may refer to another.</summary>
    public bool AllowsAssembly(string name)
    {
        if (name.StartsWith("EbmService.", StringComparison.Ordinal))
            return Projects.Contains(name["EbmService.".Length..]);
        if (InferenceOnly.Any(package => name.StartsWith(package, StringComparison.Ordinal)))
            return AllowsPackage(name);
        // A SignalR client is a package of its own and not the web framework.
        if (name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal))
            return AspNet || (AllowsPackage("Microsoft.AspNetCore.SignalR.Client") && !name.Contains("Hosting", StringComparison.Ordinal))
                // As are components that run in a browser.
                || (AllowsPackage("Microsoft.AspNetCore.Components.WebAssembly") && name.StartsWith("Microsoft.AspNetCore.Components", StringComparison.Ordinal));
        if (name.StartsWith("Microsoft.EntityFrameworkCore", StringComparison.Ordinal))
            return AllowsPackage("Microsoft.EntityFrameworkCore");
        // Core sees the base class library only.
        return Packages.Length > 0 || name is "netstandard" || name.StartsWith("System.", StringComparison.Ordinal);
    }

    private static bool Matches(string name, string allowed) => allowed.EndsWith('*')
        ? name.StartsWith(allowed[..^1], StringComparison.Ordinal)
        : name == allowed;
}
