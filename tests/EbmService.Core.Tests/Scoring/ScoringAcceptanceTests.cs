using System.Globalization;
using System.Text;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Scoring;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Scoring;

public sealed class ScoringAcceptanceTests
{
    private static readonly HostedModel Picture = ScoringCaller.Model(new InputSchema(InputKind.Image, [1, 8, 8], -1, 1));

    [Theory]
    [InlineData("samples.npy", new[] { 5, 2 }, new[] { 5 })]
    [InlineData("trajectory.npy", new[] { 4, 3, 2 }, new[] { 4, 3 })]
    [InlineData("samples.npy", new[] { 2 }, new[] { 1 })]
    public async Task Accept_AnotherJobsResult_PinsItsRows(string result, int[] shape, int[] leading)
    {
        ScoringCaller sut = new ScoringCaller().With("j", ScoringCaller.Array(shape), result: result);

        AcceptedJob accepted = (await sut.OfferAsync(OfJob("j", result))).OrThrow();

        var spec = (ScoringSpec)accepted.Spec;
        Assert.Equal(leading, spec.Shape);
        var rows = new JobInput(ScoringSpec.RowsFile, "j", result, spec.Sha256) { Field = ScoringSpec.JobField };
        Assert.Equal(rows, Assert.Single(spec.Inputs));
        Assert.Equal((await sut.FindAsync("j", TestContext.Current.CancellationToken)).Value!.Results[0].Sha256, spec.Sha256);
        Assert.Empty(accepted.Attachments);
    }

    [Fact]
    public async Task Accept_CancelledJobsResult_IsScored()
    {
        ScoringCaller sut = new ScoringCaller().With("j", ScoringCaller.Array(3, 2), JobStatus.Cancelled);

        Assert.True((await sut.OfferAsync(OfJob("j"))).Succeeded);
    }

    [Theory]
    [InlineData("nobody", "spec.job.id", "There is no job 'nobody'")]
    [InlineData("running", "spec.job.id", "has not ended")]
    [InlineData("traced", "spec.job.result", "left no 'samples.npy': it left trace.json")]
    [InlineData("gone", "spec.job.result", "The file is gone")]
    [InlineData("wide", "spec.job.result", "the shape [n, 2]; it has [5, 3]")]
    [InlineData("empty", "spec.job.result", "the shape [n, 2]; it has [0, 2]")]
    [InlineData("doubles", "spec.job.result", "holds no float32 numbers")]
    [InlineData("columns", "spec.job.result", "holds no float32 numbers")]
    [InlineData("short", "spec.job.result", "holds no float32 numbers")]
    [InlineData("text", "spec.job.result", "is no .npy file: not a .npy file")]
    public async Task Accept_AnotherJobsResultThatCannotBeScored_SaysWhy(string id, string field, string words)
    {
        ScoringCaller sut = new ScoringCaller()
            .With("running", ScoringCaller.Array(3, 2), JobStatus.Running)
            .With("traced", ScoringCaller.Array(3, 2), result: "trace.json")
            .With("gone", [])
            .With("wide", ScoringCaller.Array(5, 3))
            .With("empty", NpyFormat.Write(new TensorPayload([0, 2], [])))
            .With("doubles", [.. Headed("'<f4'", "'<f8'", 3, 2), .. new byte[3 * 2 * sizeof(float)]])
            .With("columns", Headed("False", "True ", 3, 2))
            .With("short", ScoringCaller.Array(3, 2)[..^4])
            .With("text", "not an array"u8.ToArray());

        FieldError error = await sut.RefusedAsync(OfJob(id));

        Assert.Equal((field, FailureCode.InvalidRequest), (error.Field, error.Code));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accept_WhileTheJobsCannotBeRead_IsThatFailure() =>
        Assert.Equal(FailureCode.StorageBusy, (await new ScoringCaller().OfferAsync("""{"job": {"id": "unreadable"}}""")).Failure?.Code);

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"data": [[1, 2]], "job": {"id": "j"}}""")]
    public async Task Accept_RowsOfNoneOrTwoSources_AreRefused(string spec) =>
        Assert.Equal("spec.data", (await new ScoringCaller().RefusedAsync(spec)).Field);

    [Theory]
    [InlineData("logits", "classes")]
    [InlineData("maxLogit", "classes")]
    [InlineData("typicality", "a calibration")]
    [InlineData("pValue", "a calibration")]
    public async Task Accept_OutputThatTheModelDoesNotHave_NamesWhatItNeeds(string output, string need)
    {
        FieldError error = await new ScoringCaller().RefusedAsync($$"""{"outputs": ["{{output}}"], "data": [[1, 2]]}""");

        Assert.Equal(("spec.outputs", FailureCode.NotSupported), (error.Field, error.Code));
        Assert.Equal(
            $"The output {output} needs {need}, which the model 'plane' does not have: ask for some of energy, logDensity, "
            + "approximateMass, chainDisplacement, energyDrop.", error.Message);
    }

    [Fact]
    public async Task Accept_ModelWithoutGradient_HasNoScores()
    {
        HostedModel model = ScoringCaller.Plane with { Capabilities = new() { Differentiable = false } };

        FieldError error = await new ScoringCaller().RefusedAsync(
            """{"outputs": ["energy", "approximateMass"], "data": [[1, 2]]}""", model);

        Assert.Equal("spec.outputs", error.Field);
        Assert.Contains("approximateMass needs a gradient of the energy", error.Message, StringComparison.Ordinal);
        Assert.True((await new ScoringCaller().OfferAsync("""{"data": [[1, 2]]}""", model)).Succeeded);
    }

    [Theory]
    [InlineData("energy", FailureCode.InvalidRequest, "must be one of: logDensity")]
    [InlineData("maxLogit", FailureCode.NotSupported, "needs classes")]
    public async Task Accept_ScoreThatIsNone_SaysWhichAre(string score, FailureCode code, string words)
    {
        HostedModel model = ScoringCaller.Plane with { CalibrationId = "c" };

        FieldError error = await new ScoringCaller().RefusedAsync(
            $$"""{"outputs": ["pValue"], "score": "{{score}}", "data": [[1, 2]]}""", model);

        Assert.Equal(("spec.score", code), (error.Field, error.Code));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "mine@1", "combined")]
    [InlineData("other", "other@1", "typicality")]
    [InlineData("other@1", "other@1", "typicality")]
    [InlineData("bundled", "bundled", "logDensity")]
    public async Task Accept_PValue_IsOfTheCalibrationNamedElseTheDefault(string? name, string reference, string score)
    {
        HostedModel model = ScoringCaller.Plane with { CalibrationId = "sha256:bundled" };
        ScoringCaller sut = new ScoringCaller().With("other", isDefault: false, "typicality").With("mine", isDefault: true, "combined");
        string member = name is null ? "" : $"""
            "calibration": "{name}",
            """;

        var spec = (ScoringSpec)(await sut.OfferAsync($$"""{{{member}} "outputs": ["pValue"], "data": [[1, 2]]}""", model)).OrThrow().Spec;

        Assert.Equal((reference, $"sha256:{reference.Split('@')[0]}", score), (spec.Calibration, spec.CalibrationId, spec.Score));
    }

    [Theory]
    [InlineData("""{"outputs": ["pValue"], "calibration": "nobody's"}""", "spec.calibration", "has no calibration 'nobody's'")]
    [InlineData("""{"outputs": ["energy"], "calibration": "mine"}""", "spec.calibration", "has no meaning")]
    [InlineData("""{"outputs": ["pValue"], "calibrationId": "sha256:older"}""", "spec.calibrationId", "mine@1 is sha256:mine")]
    [InlineData("""{"outputs": ["typicality"], "calibration": "mine"}""", "spec.outputs", "is not in the calibration 'mine@1'")]
    public async Task Accept_CalibrationThatDoesNotFit_SaysWhy(string request, string field, string words)
    {
        ScoringCaller sut = new ScoringCaller().With("mine", isDefault: true, "combined");

        FieldError error = await sut.RefusedAsync(request.Replace("{\"outputs", "{\"data\": [[1, 2]], \"outputs", StringComparison.Ordinal));

        Assert.Equal(field, error.Field);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accept_EnergyAlone_PinsNoCalibration()
    {
        ScoringCaller sut = new ScoringCaller().With("mine", isDefault: true, "combined");

        var spec = (ScoringSpec)(await sut.OfferAsync("""{"data": [[1, 2]]}""")).OrThrow().Spec;

        Assert.Equal((null, null), (spec.Calibration, spec.CalibrationId));
    }

    [Fact]
    public async Task Accept_SpecOfAnotherArray_NamesWhatDiffers()
    {
        Outcome<AcceptedJob> refused = await new ScoringCaller().OfferAsync("""{"data": [[1, 2]], "shape": [2], "sha256": "00"}""");

        Assert.Equal(["spec.shape", "spec.sha256"], refused.Failure!.Fields.Select(error => error.Field));
    }

    [Theory]
    [InlineData(10, 1e12, "numbers in one result")]
    [InlineData(1 << 28, 43, "rows x input size x outputs")]
    public async Task Accept_RowsOverTheServersLimits_AreRefused(double numbers, double elementSteps, string words)
    {
        var limits = new JobLimits(MaxResultNumbers: numbers, MaxElementSteps: elementSteps);
        ScoringCaller sut = new ScoringCaller { Limits = limits }.With("j", ScoringCaller.Array(11, 2));
        const string Outputs = "\"outputs\": [\"energy\", \"logDensity\"], ";

        FieldError inline = await sut.RefusedAsync(Npy(11).Insert(1, Outputs));
        FieldError other = await sut.RefusedAsync(OfJob("j").Insert(1, Outputs));

        Assert.Equal(("spec.data", FailureCode.OverPolicy), (inline.Field, inline.Code));
        Assert.Contains(words, inline.Message, StringComparison.Ordinal);
        Assert.Equal(inline, other);
        Assert.True((await sut.OfferAsync(Npy(10).Insert(1, Outputs))).Succeeded);
    }

    [Fact]
    public async Task Accept_MoreBlocksThanTheEngineTakes_NamesTheSmallestBlockSize()
    {
        ScoringCaller sut = new ScoringCaller()
            .With("many", ScoringCaller.Array(8 * ScoringAcceptance.MaxBlocks + 1, 2))
            .With("most", ScoringCaller.Array(8 * ScoringAcceptance.MaxBlocks, 2));

        FieldError error = await sut.RefusedAsync(OfJob("many").Insert(1, "\"blockSize\": 8, "));

        Assert.Equal(("spec.blockSize", FailureCode.OverPolicy), (error.Field, error.Code));
        Assert.Contains("65537 blocks, over the limit of 65536: ask for a blockSize of 9 or more", error.Message, StringComparison.Ordinal);
        Assert.True((await sut.OfferAsync(OfJob("many").Insert(1, "\"blockSize\": 9, "))).Succeeded);
        Assert.True((await sut.OfferAsync(OfJob("most").Insert(1, "\"blockSize\": 8, "))).Succeeded);
    }

    [Theory]
    [InlineData("""{"data": [[[[OUT]]]]}""", "spec.data[0][0][0][3]")]
    [InlineData("""{"npy": "NPY"}""", "spec.npy[0][0][0][3]")]
    public async Task Accept_RowsOutsideTheRange_AreRefusedUnlessAllowed(string spec, string field)
    {
        TensorPayload rows = NpyFormat.Read(ScoringCaller.Array(1, 1, 8, 8));
        rows.Values[3] = 1.5f;
        string numbers = string.Join("], [", rows.Values.Chunk(8)
            .Select(line => string.Join(", ", line.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))));
        string filled = spec.Replace("OUT", numbers, StringComparison.Ordinal)
            .Replace("NPY", Convert.ToBase64String(NpyFormat.Write(rows)), StringComparison.Ordinal);

        FieldError refused = await new ScoringCaller().RefusedAsync(filled, Picture);
        Outcome<AcceptedJob> allowed = await new ScoringCaller().OfferAsync(filled.Insert(1, "\"outOfRange\": \"allow\", "), Picture);

        Assert.Equal(field, refused.Field);
        Assert.Contains("outOfRange", refused.Message, StringComparison.Ordinal);
        Assert.True(allowed.Succeeded);
    }

    [Theory]
    [InlineData(0f, true)]
    [InlineData(-0.5f, false)]
    public async Task Accept_PicturesThatLookLikeAnotherScale_Warns(float lowest, bool warns)
    {
        TensorPayload rows = NpyFormat.Read(ScoringCaller.Array(4, 1, 8, 8));
        for (int i = 0; i < rows.Values.Length; i++)
            rows.Values[i] = MathF.Abs(rows.Values[i]);
        rows.Values[0] = lowest;
        string spec = $$"""{"npy": "{{Convert.ToBase64String(NpyFormat.Write(rows))}}"}""";

        AcceptedJob accepted = (await new ScoringCaller().OfferAsync(spec, Picture)).OrThrow();

        Assert.Equal(warns ? 1 : 0, accepted.Warnings.Count);
        Assert.All(accepted.Warnings, text => Assert.StartsWith("spec.npy: All values lie between 0 and", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Accept_Footprint_GrowsOnDiskAndNotInMemoryWithTheRows()
    {
        JobFootprint few = await FootprintAsync(1024), many = await FootprintAsync(4096);

        Assert.Equal(few.StepBytes, many.StepBytes);
        Assert.Equal(3 * JobFootprint.BytesPerBlock, many.ResultBytes - few.ResultBytes);
        Assert.Equal(4 * few.StreamedBytes, many.StreamedBytes);
        Assert.True(few.StepBytes > 1024 * 64 * sizeof(float), "the block's rows");
    }

    private static string OfJob(string id, string result = "samples.npy") => $$$"""{"job": {"id": "{{{id}}}", "result": "{{{result}}}"}}""";

    private static string Npy(int rows) => $$"""{"npy": "{{ScoringCaller.Npy(rows, 2)}}"}""";

    private static async Task<JobFootprint> FootprintAsync(int rows) =>
        (await new ScoringCaller().OfferAsync($$"""{"npy": "{{ScoringCaller.Npy(rows, 1, 8, 8)}}"}""", Picture)).OrThrow().Footprint;

    /// <summary>An array whose header says otherwise.</summary>
    private static byte[] Headed(string from, string to, params int[] shape)
    {
        byte[] content = ScoringCaller.Array(shape);
        Encoding.ASCII.GetBytes(to).CopyTo(content, content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(from)));
        return content;
    }
}
