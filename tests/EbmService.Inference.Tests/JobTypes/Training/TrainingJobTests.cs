using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Core.Training;
using EbmService.Inference.Data;
using EbmService.Inference.Imaging;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Training;

public sealed class TrainingJobTests : IDisposable
{
    private const string Plane = """
        "descriptor": {"name": "NAME", "title": "Plane", "architecture": {"kind": "mlp", "hidden": [6]}, "input": {"kind": "vector", "shape": [2], "min": -3, "max": 3}}
        """;

    private const string Numbers =
        "\"iterations\": 6, \"seed\": 3, \"batchSize\": 8, \"bufferSize\": 20, \"checkpointEvery\": 2, \"chain\": {\"steps\": 3, \"stepSize\": 0.05, \"temperature\": 1}";

    private readonly JobTypeHost _host = new();

    public TrainingJobTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Weights_OfAJob_AreThoseOfTheCommand()
    {
        (ResultFile[] files, _) = await RunAsync("plane", Numbers);

        var spec = (TrainingSpec)(await AcceptAsync("plane-2", Numbers)).Spec;
        ITrainingData data = DataSource.Parse($"csv:{_host.DataFolder}/points.csv").ReadTraining(spec.Descriptor.Input);
        using var folder = new TemporaryFolder();
        // The command computes the two parts of a batch on two threads, the job one after the other.
        using var trainer = new Trainer(spec.Config, spec.Descriptor, data, Path.Combine(folder.Path, "checkpoint"), new Silent());
        trainer.Run(TestContext.Current.CancellationToken);
        ModelVersionContent content = TrainedVersionFactory.Create(
            trainer, new TrainingPlan(spec.Descriptor, spec.Config), data, new ModelProvenance { Command = "", Data = "", Seed = 0, Seconds = 0, FinishedAt = default });
        Assert.All(ModelVersionWriter.Files(content), file => Assert.Equal(file.Value, files.Single(made => made.Name == file.Key).Content));
    }

    [Fact]
    public async Task Assemble_OfAWholeRun_ServesTheVersionOnce()
    {
        (ResultFile[] files, Failure? failure) = await RunAsync("served", Numbers);
        (ResultFile[] again, _) = await RunAsync("served", Numbers.Replace("\"seed\": 3", "\"seed\": 4", StringComparison.Ordinal), spec: "served", job: "9876543210");

        Assert.Null(failure);
        JsonNode first = Card(files)["published"]!, second = Card(again)["published"]!;
        Assert.Equal(("served", "1", "2"), ((string?)first["name"], (string?)first["version"], (string?)second["version"]));
        IModelCatalog catalog = _host.Models;
        Assert.Equal((string?)second["digest"], catalog.Find("served").OrThrow().Digest);
        Assert.Equal(2, catalog.List().Count(model => model.Key.Name == "served"));
        Assert.StartsWith("training job ", catalog.Find("served", "1").OrThrow().Manifest!.Provenance!.Command, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assemble_VersionTakenMeanwhile_IsPublishedUnderAnotherName()
    {
        JobDefinition one = await AcceptAsync("taken", Numbers), two = (await AcceptAsync("taken", Numbers)) with { Id = "0123456789abcdef" };
        Run(one);

        (ResultFile[] files, Failure? failure) = Run(two);
        (ResultFile[] same, _) = Run(two);

        Assert.Null(failure);
        Assert.Equal("1-89abcdef", (string?)Card(files)["published"]!["version"]);
        Assert.Equal(Card(files).ToJsonString(), Card(same).ToJsonString());
        Assert.Equal(2, _host.Models.List().Count(model => model.Key.Name == "taken"));
    }

    [Fact]
    public async Task Run_EnergiesPassTheBound_FailsWithTheLastGoodWeightsAndAdvice()
    {
        // Energies of the untrained network are within this bound, and grow past it.
        (ResultFile[] files, Failure? failure) = await RunAsync("diverging", $"{Numbers.Replace("\"iterations\": 6", "\"iterations\": 400", StringComparison.Ordinal)}, \"learningRate\": 0.5, \"energyBound\": 3, \"energyL2\": 0, \"gradientNormClip\": 1000, \"warmUp\": 1");

        Assert.Equal(FailureCode.Diverged, failure!.Code);
        Assert.Contains("lower learningRate", failure.Remedy, StringComparison.Ordinal);
        JsonObject card = Card(files);
        Assert.Equal(0, (int)card["iteration"]! % 2);
        Assert.True((int)card["iteration"]! > 0 && (int)card["iteration"]! <= (int)card["divergedAfter"]!);
        Assert.Contains(files, file => file.Name == "weights.safetensors");
        Assert.Null(card["published"]);
        Assert.Equal(FailureCode.ModelNotFound, _host.Models.Find("diverging").Failure?.Code);
    }

    [Fact]
    public async Task Pictures_OfLatentVariables_ShowTheVisiblePartAndFilters()
    {
        const string Config = "\"iterations\": 2, \"seed\": 3, \"batchSize\": 8, \"bufferSize\": 20, \"pictureEvery\": 2, \"gibbs\": {}, \"energyL2\": 0, \"energyBound\": 1e6";
        JobDefinition job = (await _host.AcceptAsync("training", "deep", TrainingCase.Spec("deep", TrainingCase.Deep, "levels", Config))).OrThrow();
        using IWorkload workload = _host.Workloads.Open(job, _host.Types.Plan(job.Spec).Blocks.Single());
        StepReport report = workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1)));

        (ResultFile[] files, _) = Run(job);

        // Cells of 4 x 4 pixels, doubled, beside margins of 2: 20 chains in 5 columns, 3 filters in 2.
        Assert.Equal((52, 42), SizeOf(report.Preview!.Png));
        Assert.Equal((52, 42), SizeOf(files.Single(file => file.Name == "samples.png").Content));
        Assert.Equal((22, 22), SizeOf(files.Single(file => file.Name == "filters.png").Content));

        static (int, int) SizeOf(byte[] png) => PngPixels.TryReadSize(png, out (int, int) size) ? size : default;
    }

    [Fact]
    public async Task Open_DataThatChanged_FailsTheJob()
    {
        JobDefinition job = await AcceptAsync("changed", Numbers);
        // Others push it out of what is kept in memory.
        for (int i = 0; i < 4; i++)
        {
            File.Copy(Path.Combine(_host.DataFolder, "points-2.csv"), Path.Combine(_host.DataFolder, $"other-{i}.csv"));
            await AcceptAsync("other", Numbers, data: $"other-{i}");
        }
        File.AppendAllText(Path.Combine(_host.DataFolder, "points.csv"), "1,1\n");

        FailureException thrown = Assert.Throws<FailureException>(() => Run(job));

        Assert.Contains("has changed", thrown.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Advance_PictureDue_ReportsTheChainsOfThatIteration()
    {
        JobDefinition job = await AcceptAsync("pictured", $"{Numbers}, \"pictureEvery\": 4");
        using IWorkload workload = _host.Workloads.Open(job, _host.Types.Plan(job.Spec).Blocks.Single());

        PreviewFrame shown = workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Preview!;

        Assert.Equal(4, shown.Step);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], shown.Png[..4]);
    }

    // A spec has every default filled in, and people leave them out.
    [Fact]
    public async Task Assemble_ModelThatLeavesDefaultsOut_GetsTheVersion()
    {
        string folder = Path.Combine(Path.GetDirectoryName(_host.DataFolder)!, "plain");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "model.json"), """
            {"name": "plain", "title": "Plain", "architecture": {"kind": "rbm", "hidden": 3},
             "input": {"kind": "vector", "shape": [2], "min": 0, "max": 1, "variables": "binary"}}
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "training.json"), """
            {"iterations": 3, "seed": 1, "batchSize": 8, "bufferSize": 8, "gibbs": {"sweeps": 1}, "energyL2": 0}
            """, TestContext.Current.CancellationToken);

        (ResultFile[] files, Failure? failure) = Run((await _host.AcceptAsync("training", "plain", """{"data": "bits"}""")).OrThrow());

        Assert.Null(failure);
        Assert.Equal("1", (string?)Card(files)["published"]!["version"]);
    }

    // Nothing is calibrated then, and the last iteration is the last step.
    [Fact]
    public async Task Assemble_NothingHeldOut_IsServedWithoutACalibration()
    {
        (ResultFile[] files, Failure? failure) = await RunAsync("all", $"{Numbers}, \"heldOut\": 0");

        Assert.Null(failure);
        Assert.DoesNotContain(files, file => file.Name == "calibration.safetensors");
        Assert.Null(_host.Models.Find("all").OrThrow().CalibrationId);
    }

    [Fact]
    public async Task Assemble_ModelMadeOfAnotherDescriptorMeanwhile_IsNotPublishedUnderIt()
    {
        JobDefinition one = await AcceptAsync("twice", Numbers);
        string other = Spec("twice", Numbers, "points").Replace("\"max\": 3", "\"max\": 4", StringComparison.Ordinal);
        JobDefinition two = (await _host.AcceptAsync("training", "twice", other)).OrThrow() with { Id = "0123456789abcdef" };
        Run(one);

        (ResultFile[] files, Failure? failure) = Run(two);

        Assert.Contains("differs from that of the model", failure!.Message, StringComparison.Ordinal);
        Assert.Contains(files, file => file.Name == "weights.safetensors");
        Assert.Single(_host.Models.List(), model => model.Key.Name == "twice");
    }

    [Theory]
    [InlineData("\"batchSize\": 8, \"chain\": {\"steps\": 1, \"stepSize\": 1, \"noise\": 1}, \"bufferSize\": 200000000", "more than the 1024 of one file")]
    [InlineData("\"batchSize\": 80000000, \"denoising\": {\"deviation\": 1}", "numbers through the network at once")]
    [InlineData("\"denoising\": {\"deviation\": 1e300}", "denoising.deviation must be")]
    [InlineData("\"denoising\": {\"deviation\": 1}, \"learningRate\": 1e300", "learningRate must be")]
    [InlineData("\"denoising\": {\"deviation\": 1}, \"decayPower\": -3", "decayPower must be")]
    [InlineData("\"denoising\": {\"deviation\": 1}, \"chainInBFloat16\": true, \"slots\": 300", "slots must be between")]
    public async Task Accept_ConfigThatCantRun_IsRefusedWithTheMember(string config, string part)
    {
        Outcome<JobDefinition> refused = await _host.AcceptAsync("training", "config", Spec("config", $"\"iterations\": 5, \"seed\": 1, {config}", "points"));

        Assert.Contains(refused.Failure!.Fields, error => error.Field == "spec.config" && error.Message.Contains(part, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("7,0", "row 0 holds 7")]
    [InlineData("0,-3.5", "row 0 holds -3.5")]
    public async Task Accept_RowsOutsideTheRange_AreRefusedWithTheirPlace(string row, string part)
    {
        Directory.CreateDirectory(_host.DataFolder);
        await File.WriteAllLinesAsync(Path.Combine(_host.DataFolder, "wide.csv"), Enumerable.Repeat(row, 100), TestContext.Current.CancellationToken);

        Outcome<JobDefinition> refused = await _host.AcceptAsync("training", "range", Spec("range", Numbers, "wide"));

        FieldError error = Assert.Single(refused.Failure!.Fields);
        Assert.Equal("spec.data", error.Field);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../points", "There is no data set of that name")]
    [InlineData(".hidden", "There is no data set of that name")]
    public async Task Accept_DataByPath_IsRefused(string data, string says)
    {
        Outcome<JobDefinition> refused = await _host.AcceptAsync("training", "path", Spec("path", Numbers, data));

        FieldError error = Assert.Single(refused.Failure!.Fields);
        Assert.Equal("spec.data", error.Field);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("points", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accept_SpecOfAJob_GivesTheSameSpec()
    {
        JobDefinition job = await AcceptAsync("again", Numbers);
        string shown = System.Text.Json.JsonSerializer.Serialize(job.Spec, Core.Json.EbmJson.Options);

        JobDefinition again = (await _host.AcceptAsync("training", "again", shown)).OrThrow();

        Assert.Equal(shown, System.Text.Json.JsonSerializer.Serialize(again.Spec, Core.Json.EbmJson.Options));
    }

    private Task<JobDefinition> AcceptAsync(string model, string config, string data = "points") => AcceptAsync(model, model, config, data);

    private async Task<JobDefinition> AcceptAsync(string model, string spec, string config, string data) =>
        (await _host.AcceptAsync("training", model, Spec(spec, config, data))).OrThrow();

    private static string Spec(string name, string config, string data) =>
        $$"""{"data": "{{data}}", {{Plane.Replace("NAME", name, StringComparison.Ordinal)}}, "config": { {{config}} } }""";

    private async Task<(ResultFile[] Files, Failure? Failure)> RunAsync(string model, string config, string? spec = null, string job = "0123456789") =>
        Run((await AcceptAsync(model, spec ?? model, config, "points")) with { Id = job });

    private (ResultFile[] Files, Failure? Failure) Run(JobDefinition job)
    {
        BlockPlan block = _host.Types.Plan(job.Spec).Blocks.Single();
        using IWorkload workload = _host.Workloads.Open(job, block);
        while (!workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Done)
        {
            // Goes on.
        }
        var files = new ResultFiles();
        Failure? failure = _host.Types.Assemble(job, [new BlockResult(block, workload.Finish())], StopReason.Completed, files);
        return ([.. files.All], failure);
    }

    private static JsonObject Card(ResultFile[] files) => JsonNode.Parse(files.Single(file => file.Name == "card.json").Content)!.AsObject();

    private sealed class Silent : ITrainingObserver
    {
        public void OnIteration(TrainingProgress progress)
        {
        }

        public void OnPicture(int iteration, TensorPayload samples)
        {
        }
    }
}
