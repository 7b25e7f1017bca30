using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class ModelRepositoryTests : IDisposable
{
    private readonly TestRepository files = new();

    [Fact]
    public void Load_WhatTheWriterWrote_GivesItAll()
    {
        files.AddJem("jem");

        LoadedModel model = files.Open().Load(new ModelKey("jem", "1")).OrThrow();

        Assert.Equal(TestRepository.JemContent().Weights["head.weight"].ToFloats(), model.Weights["head.weight"].ToFloats());
        Assert.Equal([4, 1, 3, 3], model.Buffer!.Shape);
        Assert.Equal([0, 1, 0, 1], model.BufferLabels!);
        Assert.Equal([1, 2, 3], model.Calibration.Scores["logDensity"]);
        Assert.Equal([-1, 0, 5], model.Calibration.Scores["maxLogit"]);
        Assert.Null(model.Calibration.TypicalityMean);
        HostedModel hosted = model.Hosted;
        Assert.Equal(ModelState.Ready, hosted.State);
        Assert.Equal(36 + 4 + 72 + 2, hosted.ParameterCount);
        Assert.Equal(4, hosted.BufferSize);
        Assert.Matches("^sha256:[0-9a-f]{64}$", hosted.Digest);
        Assert.Equal("sha256:" + hosted.Manifest!.Files["calibration.safetensors"], hosted.CalibrationId);
        Assert.Equal([ModelTask.Energy, ModelTask.Sampling, ModelTask.OutOfDistribution, ModelTask.Classification], hosted.Tasks);
        Assert.Equal((7, 0.99, 8),
            (hosted.Manifest.Provenance!.Seed, hosted.Manifest.Metrics["accuracy"], hosted.Manifest.BlockSizes["cpu"]));
    }

    [Fact]
    public void Load_CalibratedTypicality_HasItsOwnRowsAndMean()
    {
        files.AddJem("jem", TestRepository.JemContent() with
        {
            Calibration = new Dictionary<string, float[]> { ["logDensity"] = [3, 1, 2], ["typicality"] = [-1, -2] }, TypicalityMean = 2.5f,
        });

        LoadedModel model = files.Open().Load(new ModelKey("jem", "1")).OrThrow();

        Assert.Equal([-2, -1], model.Calibration.Scores["typicality"]);
        Assert.Equal(2.5f, model.Calibration.TypicalityMean);
        Assert.Equal(["logDensity", "typicality"], model.Calibration.Scores.Keys.Order());
    }

    [Fact]
    public void Load_ClosedFormulaWithoutFiles_IsReady()
    {
        files.WriteDescriptor(TestRepository.Mlp("gauss") with { Architecture = new GaussianSpec([0, 1], [[2, 0.5], [0.5, 1]]) });
        ModelVersionWriter.Write(files.Folder("gauss"), "1", new ModelVersionContent());

        LoadedModel model = files.Open().Load(new ModelKey("gauss", "1")).OrThrow();

        Assert.Empty(model.Weights);
        Assert.Null(model.Buffer);
        Assert.Null(model.Hosted.CalibrationId);
        Assert.Equal(0, model.Hosted.ParameterCount);
        Assert.DoesNotContain(ModelTask.Classification, model.Hosted.Tasks);
    }

    [Fact]
    public void List_OneBadModel_ListsItUnavailableAndServesTheOthers()
    {
        files.AddMlp("good", "1");
        files.AddMlp("broken", "1", "2");
        files.WriteText("{ \"name\": ", "broken", "model.json");

        ModelRepository sut = files.Open();

        Assert.Equal(["broken/2", "broken/1", "good/1"], sut.List().Select(model => model.Key.ToString()));
        HostedModel broken = sut.List()[0];
        Assert.Equal(ModelState.Unavailable, broken.State);
        Assert.Contains("model.json is not valid", broken.Reason);
        Assert.DoesNotContain(files.Root, broken.Reason);
        Assert.Equal(FailureCode.ModelUnavailable, sut.Find("broken").Failure!.Code);
        Assert.True(sut.Find("good").Succeeded);
    }

    [Fact]
    public void Find_WithoutVersion_GivesTheNewestReadyOne()
    {
        files.AddMlp("m", "1", "2", "10", "11");
        File.WriteAllBytes(files.Folder("m", "11", "weights.safetensors"), [1, 2, 3]);

        ModelRepository sut = files.Open();

        Assert.Equal(["11", "10", "2", "1"], sut.List().Select(model => model.Key.Version));
        Assert.Equal("10", sut.Find("m").OrThrow().Key.Version);
        Assert.Equal("2", sut.Find("m", "2").OrThrow().Key.Version);
        Assert.Equal(FailureCode.ModelUnavailable, sut.Find("m", "11").Failure!.Code);
        Assert.Equal(FailureCode.ModelUnavailable, sut.Load(new ModelKey("m", "11")).Failure!.Code);
        Assert.Equal(FailureCode.VersionNotFound, sut.Find("m", "3").Failure!.Code);
        Assert.Equal(FailureCode.ModelNotFound, sut.Find("other").Failure!.Code);
    }

    [Fact]
    public void Reload_AfterChanges_SwapsTheSet()
    {
        files.AddMlp("m", "1");
        ModelRepository sut = files.Open();
        string before = sut.Find("m").OrThrow().Digest;

        ModelVersionWriter.Write(files.Folder("m"), "2", new ModelVersionContent { Weights = TestRepository.MlpWeights(9) });
        Assert.Equal("1", sut.Find("m").OrThrow().Key.Version);
        sut.Reload();

        Assert.Equal("2", sut.Find("m").OrThrow().Key.Version);
        Assert.NotEqual(before, sut.Find("m").OrThrow().Digest);
        Assert.Equal(before, sut.Find("m", "1").OrThrow().Digest);
    }

    [Fact]
    public void List_FoldersThatAreNoModels_AreLeftOut()
    {
        files.AddMlp("m", "1");
        files.WriteText("x", "pictures", "readme.txt");
        files.WriteText("x", "m", "images", "grid.png");
        files.WriteText("x", ".hidden", "1", "version.json");
        files.WriteText("x", "na me", "1", "version.json");
        files.WriteText("x", "m", ".2.tmp", "version.json");

        Assert.Equal(["m/1"], files.Open().List().Select(model => model.Key.ToString()));
    }

    [Fact]
    public void List_ModelWithoutVersions_IsListedOnceAsUnavailable()
    {
        files.WriteDescriptor(TestRepository.Mlp("m"));

        HostedModel model = Assert.Single(files.Open().List());

        Assert.Equal((new ModelKey("m", ""), "it has no versions yet: train one, or add one"), (model.Key, model.Reason));
    }

    [Fact]
    public void List_MissingRepository_IsEmpty()
    {
        Directory.Delete(files.Root);

        Assert.Empty(files.Open().List());

        Directory.CreateDirectory(files.Root);
    }

    [Fact]
    public void Digest_DependsOnWeightsBufferAndArchitectureAlone()
    {
        files.AddJem("a");
        files.AddJem("b", TestRepository.JemContent() with { Metrics = new Dictionary<string, double>(), Calibration = null });
        files.WriteDescriptor(TestRepository.Jem("b") with { Title = "another title", OodScore = "maxLogit" });
        files.AddJem("c", TestRepository.JemContent() with { Buffer = null, BufferLabels = null });
        files.AddJem("d");
        files.WriteDescriptor(TestRepository.Jem("d") with { Input = new InputSchema(InputKind.Image, [1, 3, 3], 0, 1) });
        ModelRepository sut = files.Open();

        string digest = sut.Find("a").OrThrow().Digest;

        Assert.Equal(digest, sut.Find("b").OrThrow().Digest);
        Assert.NotEqual(digest, sut.Find("c").OrThrow().Digest);
        Assert.NotEqual(digest, sut.Find("d").OrThrow().Digest);
    }

    // Computed by Python's hashlib from the definition, over
    // {"architecture":{"hidden":[3],"kind":"mlp"},"input":{"kind":"vector","max":4,"min":-4,"shape":[2]}}
    // and the two lines. It must never change, for it stands in results.
    [Fact]
    public void Digest_OfAKnownModel_IsStable() =>
        Assert.Equal(
            "sha256:b1feae456b634151602443cee7e8167f1fd38ee04254320e166f30f2f2633772",
            ModelDigest.Compute(
                TestRepository.Mlp("any"), new Dictionary<string, string> { ["weights.safetensors"] = new string('A', 64) }));

    public void Dispose() => files.Dispose();
}
