namespace EbmService.Api.OpenApi;

/// <summary>Bodies that work on pressing Execute: for the bundled models two-moons and mnist-jem.</summary>
internal static class RequestExamples
{
    private const string TwoPoints = """[[0.5, 0.2], [3, 3]]""";

    internal static readonly RequestExampleSet Energy = new("two-moons",
    [
        new("points", "two-moons: two points", $$"""{"inputs": {{TwoPoints}}}"""),
        new("gradients", "two-moons: with gradients", $$"""{"inputs": {{TwoPoints}}, "gradients": true}"""),
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}}"""),
    ]);

    internal static readonly RequestExampleSet Classify = new("mnist-jem",
    [
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}}"""),
        new("refined", "mnist-jem: refined by 5 descent steps first", $$"""{"tensor": {{DigitTensor}}, "refineSteps": 5}"""),
    ]);

    internal static readonly RequestExampleSet Ood = new("mnist-jem",
    [
        new("digit", "mnist-jem: a digit as base64", $$"""{"tensor": {{DigitTensor}}, "alpha": 0.05}"""),
        new("points", "two-moons: two points", $$"""{"inputs": {{TwoPoints}}}"""),
    ]);

    internal static readonly RequestExampleSet CreateJob = new("mnist-jem",
    [
        new("digits", "mnist-jem: ten of each digit from noise, with previews",
            """{"type": "sampling", "model": "mnist-jem", "spec": {"chains": 100, "steps": 100, "labels": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "start": "base", "seed": 7, "previewEvery": 10}, "priority": 0, "tags": ["demo"]}"""),
        new("moons", "two-moons: Langevin chains",
            """{"model": "two-moons", "spec": {"chains": 256, "steps": 500, "recipe": "langevin", "seed": 1}}"""),
        new("hmc", "two-moons: Hamiltonian Monte Carlo until 1000 effective samples, at most 5 minutes",
            """{"model": "two-moons", "spec": {"chains": 64, "steps": 20000, "kernel": "hmc", "hmc": {"leapfrogSteps": 10, "targetAcceptance": 0.8}, "warmup": 300, "thin": 10, "stop": {"untilEss": 1000, "checkEvery": 100, "deadlineSeconds": 300}, "seed": 1}}"""),
        new("replicas", "two-moons: replica exchange, five temperatures around MALA",
            """{"model": "two-moons", "spec": {"chains": 32, "steps": 1000, "kernel": "mala", "tempering": {"temperatures": [1, 1.7, 3, 5, 9], "swapEvery": 5}, "stop": {"untilRHat": 1.01}, "seed": 1}}"""),
        new("held", "two-moons: the first coordinate held at 0 and at 1 in turn, the second sampled",
            """{"model": "two-moons", "spec": {"chains": 64, "steps": 500, "kernel": "mala", "held": {"mask": [1, 0], "values": [[0, 0], [1, 0]]}, "data": [[0, 0.5], [1, -0.5]], "seed": 1}}"""),
        new("lattice", "ising-lattice: Gibbs with gradients on binary variables",
            """{"model": "ising-lattice", "spec": {"chains": 256, "steps": 200, "kernel": "gibbsWithGradients", "seed": 1}}"""),
        new("defaults", "two-moons: all defaults", """{"model": "two-moons"}"""),
    ]);

    internal static readonly RequestExampleSet ExtendJob = new("two-moons",
    [
        new("more", "200 steps more", """{"steps": 200}"""),
    ]);

    private static string DigitTensor =>
        $$"""{"dtype": "uint8", "shape": [1, 1, 28, 28], "base64": "{{Convert.ToBase64String(SampleDigit.Seven())}}"}""";
}
