using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary>One kernel with a small job for it: three blocks, the last one smaller. A new kernel gets a line here.</summary>
/// <param name="Steps">Of a job of a second or two on two slots.</param>
/// <param name="Settings">Members of the spec beside the common ones.</param>
internal sealed record KernelCase(string Name, string Model, int Steps, string Settings)
{
    private const string Moons = "two-moons";
    private const string Lattice = "ising-lattice";

    public static IReadOnlyList<KernelCase> All { get; } =
    [
        new("sgld", Moons, 4000, """{"kernel": "sgld", "thin": 1}"""),
        new("ula", Moons, 4000, """{"kernel": "ula", "schedule": {"kind": "cosine", "end": 0.2}}"""),
        new("preconditionedSgld", Moons, 3000, """{"kernel": "preconditionedSgld"}"""),
        new("mala", Moons, 3000, """{"kernel": "mala"}"""),
        new("hmc", Moons, 800, """{"kernel": "hmc", "hmc": {"leapfrogSteps": 5}}"""),
        new("underdamped", Moons, 4000, """{"kernel": "underdamped"}"""),
        new("tempering", Moons, 2000, """{"kernel": "mala", "tempering": {"temperatures": [1, 2, 4], "swapEvery": 5}, "thin": 7}"""),
        new("gibbsWithGradients", Lattice, 4000, """{"kernel": "gibbsWithGradients"}"""),
        new("blockedGibbs", Lattice, 4000, """{"kernel": "blockedGibbs"}"""),
        new("temperedGibbs", Lattice, 1500, """{"kernel": "blockedGibbs", "tempering": {"temperatures": [1, 1.5, 2.5]}}"""),
    ];

    /// <summary>A quarter of the steps.</summary>
    public KernelCase Short() => this with { Steps = Steps / 4 };

    public JsonObject Spec(long seed = 41)
    {
        JsonObject spec = HttpSteps.Spec(20, Steps, seed);
        spec["blockSize"] = 8;
        foreach ((string name, JsonNode? value) in JsonNode.Parse(Settings)!.AsObject())
            spec[name] = value!.DeepClone();
        return spec;
    }
}
