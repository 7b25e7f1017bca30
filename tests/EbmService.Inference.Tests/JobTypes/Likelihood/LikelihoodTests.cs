using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Likelihood;
using EbmService.Core.Tensors;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Likelihood;

/// <summary>Against models whose normalising constant is known: by enumeration or in closed form.</summary>
public sealed class LikelihoodTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public LikelihoodTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    /// <summary>E = (x - m)' P (x - m) / 2 with P = [[2, 0.5], [0.5, 1]]: log Z = log(2 pi T) - log(det P) / 2.</summary>
    [Theory]
    [InlineData("""{"kernel": "hmc", "base": "normal", "baseDeviation": 3, "leapfrogSteps": 5}""", 1)]
    [InlineData("""{"kernel": "mala", "base": "normal", "baseMean": 1, "baseDeviation": 2}""", 1)]
    [InlineData("""{"kernel": "mala", "base": "normal", "temperature": 2.5}""", 2.5)]
    // The range is -5 to 5: what lies outside is a share of 1e-4 and less.
    [InlineData("""{"kernel": "hmc", "leapfrogSteps": 5}""", 1)]
    public async Task LogZ_OfAGaussian_IsTheClosedForm(string spec, double temperature)
    {
        JsonObject members = JsonNode.Parse(spec)!.AsObject();
        (members["chains"], members["bridges"], members["reverseSteps"], members["seed"]) = (300, 60, 200, 2);
        members["inputs"] = JsonNode.Parse("""{"data": [[0.5, -0.5], [1.5, 0.5]]}""");
        double logZ = Math.Log(2 * Math.PI * temperature) - Math.Log(1.75) / 2;

        JsonObject report = await RunAsync("gaussian", members.ToJsonString());

        Assert.True((bool)report["trusted"]!, report.ToJsonString());
        Assert.InRange(logZ, (double)report["logZ"]!["lower"]!, (double)report["logZ"]!["upper"]!);
        Assert.Equal(logZ, (double)report["logZ"]!["estimate"]!, 0.06);
        foreach (string side in new[] { "forward", "reverse" })
        {
            double error = (double)report["logZ"]![side]!["standardError"]!;
            Assert.Equal(logZ, (double)report["logZ"]![side]!["logZ"]!, 4 * error + 2e-4);
        }
        // At the mean the energy is 0; at (1, 1) from it 2.
        double expected = -2 / temperature / 2 - logZ;
        Assert.Equal(expected, (double)report["logLikelihood"]!["estimate"]!, 0.06);
        Assert.Equal(-expected / (2 * Math.Log(2)), (double)report["logLikelihood"]!["bitsPerDimension"]!["estimate"]!, 0.06);
        Assert.InRange(expected, (double)report["logLikelihood"]!["lower"]!, (double)report["logLikelihood"]!["upper"]!);
    }

    /// <summary>The job lists the states itself where it can, by other code than the tests of the families.</summary>
    [Theory]
    [InlineData("ising", """{"chains": 60, "bridges": 30}""")]
    [InlineData("ising", """{"chains": 60, "bridges": 30, "temperature": 0.5, "transitions": 2}""")]
    [InlineData("rbm", """{"chains": 60, "bridges": 30, "temperature": 3}""")]
    [InlineData("ising", """{"chains": 60, "ladder": [0, 0.1, 0.3, 0.5, 0.7, 0.85, 1], "blockSize": 7}""")]
    public async Task LogZ_OfListedStates_IsBetweenTheBounds(string model, string spec)
    {
        JsonObject members = JsonNode.Parse(spec)!.AsObject();
        members["seed"] = 4;

        JsonObject report = await RunAsync(model, members.ToJsonString());

        Assert.InRange((double)report["logZ"]!["exact"]!, (double)report["logZ"]!["lower"]!, (double)report["logZ"]!["upper"]!);
        if (model == "ising")
            Assert.Equal(ExactIsing((double?)members["temperature"] ?? 1), (double)report["logZ"]!["exact"]!, 1e-5);
    }

    /// <summary>At a stated confidence of 90 %, with few bridges and chains, so that both sides are off.</summary>
    [Theory]
    [InlineData("strong", """{"chains": 20, "bridges": 4, "confidence": 0.9}""")]
    [InlineData("strong", """{"chains": 8, "bridges": 1, "confidence": 0.9}""")]
    public async Task Bounds_OverAHundredSeeds_HoldTheTruth(string model, string spec)
    {
        int held = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            JsonObject members = JsonNode.Parse(spec)!.AsObject();
            members["seed"] = seed;
            JsonObject logZ = (await RunAsync(model, members.ToJsonString()))["logZ"]!.AsObject();
            double exact = (double)logZ["exact"]!;
            if ((double)logZ["lower"]! <= exact && exact <= (double)logZ["upper"]!)
                held++;
        }

        Assert.InRange(held, 95, 100);
    }

    [Fact]
    public async Task Raise_OfRowsOfAListedModel_IsBelowTheTruthOnAverageAndNearIt()
    {
        float[] rows = [.. Enumerable.Range(0, 32).SelectMany(v => Enumerable.Range(0, 5).Select(i => (float)(v >> i & 1)))];
        string npy = Convert.ToBase64String(NpyFormat.Write(new TensorPayload([32, 5], rows)));

        (JsonObject report, IReadOnlyDictionary<string, byte[]> files) = await RunWithFilesAsync(
            "rbm", $$"""{"chains": 50, "bridges": 40, "seed": 1, "inputs": {"npy": "{{npy}}"}, "raise": {"rows": 32, "chains": 20} }""");

        float[] raise = NpyFormat.Read(files["raise.npy"]).Values, bounds = NpyFormat.Read(files["logLikelihood.npy"]).Values;
        double sum = raise.Sum(log => Math.Exp(log));
        // Likelihoods of all states sum to 1, under the annealing process as under the model.
        Assert.Equal(1, sum, 0.05);
        Assert.Equal(1, Enumerable.Range(0, 32).Sum(row => Math.Exp(bounds[2 * row])), 0.3);
        for (int row = 0; row < 32; row++)
            Assert.InRange(raise[row], bounds[2 * row] - 0.4, bounds[2 * row + 1] + 0.4);
        Assert.InRange((double)report["raise"]!["difference"]!, -0.3, 0.3);
    }

    [Fact]
    public async Task Report_OfAGapOverTheTolerance_QuotesNoSingleFigure()
    {
        JsonObject report = await RunAsync("strong", """{"chains": 5, "bridges": 1, "tolerance": 0.01, "seed": 1, "inputs": {"data": [[0, 1, 0, 1, 1, 0, 0, 1, 1, 0]]}}""");

        Assert.False((bool)report["trusted"]!);
        Assert.Contains("nats apart, more than the tolerance of 0.01", (string?)report["reasons"]![0]);
        Assert.Null(report["logZ"]!["estimate"]);
        Assert.Null(report["logLikelihood"]!["estimate"]);
        Assert.Null(report["logLikelihood"]!["bitsPerDimension"]!["estimate"]);
        Assert.NotNull(report["logLikelihood"]!["lower"]);
    }

    /// <summary>With chains that begin anywhere and go nowhere the reverse side says nonsense, and the job says so.</summary>
    [Fact]
    public async Task Report_OfReverseChainsThatAreNoSamples_SaysSo()
    {
        JsonObject report = await RunAsync("gaussian", """{"chains": 200, "bridges": 60, "transitions": 2, "leapfrogSteps": 4, "reverseSteps": 0, "seed": 1}""");

        string reasons = string.Join(" ", report["reasons"]!.AsArray().Select(reason => (string?)reason));
        Assert.False((bool)report["trusted"]!);
        Assert.Contains("did not begin at samples of the model", reasons);
        Assert.Contains("Nothing can be said", reasons);
    }

    /// <summary>Steps so small that the chains are still where they began.</summary>
    [Fact]
    public async Task Report_OfReverseChainsThatStayApart_SaysSo()
    {
        JsonObject report = await RunAsync("gaussian", """{"chains": 20, "bridges": 10, "kernel": "mala", "stepSize": 0.0001, "reverseSteps": 100, "tolerance": 1000, "seed": 1}""");

        Assert.False((bool)report["trusted"]!);
        Assert.Contains("had not come together", string.Join(" ", report["reasons"]!.AsArray().Select(reason => (string?)reason)));
    }

    /// <summary>Uniform over the range of 10 x 10: a level's bin of the 4 has 2.5 x 2.5 of it, so a nearly flat density gives each number log2(4) bits.</summary>
    [Fact]
    public async Task Bits_OfDequantisedRows_AreOfTheLevels()
    {
        string levels = "[[-5, -5], [-1.6666667, 1.6666667], [5, 5], [1.6666667, -5]]";

        JsonObject report = await RunAsync(
            "gaussian", $$"""{"chains": 50, "bridges": 20, "leapfrogSteps": 3, "reverseSteps": 20, "temperature": 10000, "dequantisationLevels": 4, "seed": 1, "inputs": {"data": {{levels}} } }""");

        Assert.Equal(2, (double)report["logLikelihood"]!["bitsPerDimension"]!["estimate"]!, 0.02);
        Assert.Contains("uniform noise", (string?)report["logLikelihood"]!["dequantisation"]);
    }

    [Fact]
    public async Task Chains_OfAnyBlockSize_HaveTheirOwnRandomNumbers()
    {
        (_, IReadOnlyDictionary<string, byte[]> files) = await RunWithFilesAsync("strong", """{"chains": 12, "bridges": 3, "blockSize": 5, "seed": 1}""");

        float[] weights = NpyFormat.Read(files["logWeights.npy"]).Values;
        Assert.Equal(24, weights.Distinct().Count());
    }

    [Theory]
    [InlineData("gaussian", """{"bridges": 1000000}""", "spec.bridges")]
    [InlineData("gaussian", """{"temperature": -1}""", "spec.temperature")]
    [InlineData("gaussian", """{"inputs": {"data": [[1, 2, 3]]}}""", "spec.inputs.data")]
    [InlineData("gaussian", """{"inputs": {"dataset": "nowhere"}}""", "spec.inputs.dataset")]
    [InlineData("ising", """{"kernel": "hmc"}""", "spec.kernel")]
    [InlineData("gaussian", """{"kernel": "gibbs"}""", "spec.kernel")]
    [InlineData("ising", """{"base": "normal"}""", "spec.base")]
    [InlineData("ising", """{"base": "buffer"}""", "spec.base")]
    [InlineData("gaussian", """{"reverseStart": "exact"}""", "spec.reverseStart")]
    [InlineData("gaussian", """{"ladder": [0, 0.5, 0.4, 1]}""", "spec.ladder")]
    [InlineData("gaussian", """{"ladder": [0, 0.5, 1], "bridges": 7}""", "spec.bridges")]
    [InlineData("ising", """{"dequantisationLevels": 256}""", "spec.dequantisationLevels")]
    [InlineData("gaussian", """{"raise": {"rows": 3}}""", "spec.raise")]
    [InlineData("gaussian", """{"raise": {"rows": 3}, "inputs": {"data": [[1, 2]]}}""", "spec.raise.rows")]
    [InlineData("gaussian", """{"chains": 65536, "bridges": 100000, "transitions": 1000}""", "spec.bridges")]
    public async Task Accept_WhatCannotBeDone_IsRefusedWithTheField(string model, string spec, string field)
    {
        Outcome<JobDefinition> refused = await _host.AcceptAsync("likelihood", model, spec);

        Assert.Contains(field, refused.Failure!.Fields.Select(error => error.Field));
    }

    private async Task<JsonObject> RunAsync(string model, string spec) => (await RunWithFilesAsync(model, spec)).Report;

    private async Task<(JsonObject Report, IReadOnlyDictionary<string, byte[]> Files)> RunWithFilesAsync(string model, string spec)
    {
        JobDefinition job = (await _host.AcceptAsync(LikelihoodJob.Name, model, spec)).OrThrow();
        var results = new List<BlockResult>();
        foreach (BlockPlan block in _host.Types.Plan(job.Spec).Blocks)
        {
            using IWorkload workload = _host.Workloads.Open(job, block);
            Assert.True(workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Done);
            results.Add(new BlockResult(block, workload.Finish()));
        }
        var files = new ResultFiles();
        _host.Types.Assemble(job, results, StopReason.Completed, files);
        Dictionary<string, byte[]> contents = files.All.ToDictionary(file => file.Name, file => file.Content);
        return (JsonNode.Parse(contents["likelihood.json"])!.AsObject(), contents);
    }

    /// <summary>The example of the family: 3 x 3, coupling 0.3, field 0.1.</summary>
    private static double ExactIsing(double temperature) => Math.Log(Enumerable.Range(0, 512).Sum(state =>
    {
        int Spin(int row, int column) => 2 * (state >> (3 * row + column) & 1) - 1;
        double energy = 0;
        for (int row = 0; row < 3; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                energy -= 0.1 * Spin(row, column);
                energy -= row < 2 ? 0.3 * Spin(row, column) * Spin(row + 1, column) : 0;
                energy -= column < 2 ? 0.3 * Spin(row, column) * Spin(row, column + 1) : 0;
            }
        }
        return Math.Exp(-energy / temperature);
    }));
}
