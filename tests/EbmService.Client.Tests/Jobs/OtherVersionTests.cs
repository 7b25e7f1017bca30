using System.Net;
using System.Text.Json.Nodes;
using EbmService.Client.Tests.Http;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Scoring;
using Xunit;

namespace EbmService.Client.Tests.Jobs;

/// <summary>A client of this version and a service of another one.</summary>
public sealed class OtherVersionTests
{
    private const string Sampling = """
        {"chains": 4, "steps": 10, "seed": 1, "recipe": "own", "kernel": "sgld", "stepSize": 0.1, "temperature": 1, "order": "gradientFirst",
         "gradientClip": {"kind": "none"}, "stateClamp": {"kind": "none"}, "schedule": {"kind": "constant"}, "labels": [], "start": "base",
         "freshShare": 0, "blockSize": 4, "previewEvery": 0, "precision": "float32"}
        """;

    [Fact]
    public async Task Job_OfAKnownType_HasATypedSpec()
    {
        JobResponse job = await GetAsync(job => (job["type"], job["spec"]) = ("sampling", JsonNode.Parse(Sampling)));

        var spec = Assert.IsType<SamplingSpec>(job.Spec);
        Assert.Equal((4, 10, 0.1, ChainStart.Base), (spec.Chains, spec.Steps, spec.StepSize, spec.Start));
    }

    [Fact]
    public async Task Job_OfAnUnknownType_KeepsItsSpecAsItCame()
    {
        JobResponse job = await GetAsync(job => (job["type"], job["spec"]) = ("dreaming", new JsonObject { ["depth"] = 3 }));

        var spec = Assert.IsType<UnreadableSpec>(job.Spec);
        Assert.Equal(("dreaming", 3), (spec.Type, spec.Members!.Value.GetProperty("depth").GetInt32()));
    }

    [Fact]
    public async Task Job_OfAKnownTypeWithAChangedSpec_KeepsItsSpecAsItCame()
    {
        JobResponse job = await GetAsync(job => (job["type"], job["spec"]) = ("scoring", new JsonObject { ["batch"] = "all of them" }));

        Assert.Equal("all of them", Assert.IsType<UnreadableSpec>(job.Spec).Members!.Value.GetProperty("batch").GetString());
    }

    [Fact]
    public async Task Job_WithUnknownMembersAndWords_IsRead()
    {
        JobResponse job = await GetAsync(job =>
        {
            job["status"] = "dreaming";
            job["mood"] = new JsonObject { ["deep"] = true };
            job["links"]!["dream"] = "/d";
            job["progress"]!["depth"] = 3;
            JsonNode spec = JsonNode.Parse(Sampling)!;
            (spec["kernel"], spec["colour"]) = ("quantum", "blue");
            (job["type"], job["spec"]) = ("sampling", spec);
        });

        Assert.False(job.Status.IsKnown());
        Assert.False(job.Status.IsTerminal());
        Assert.False(Assert.IsType<SamplingSpec>(job.Spec).Kernel.IsKnown());
        Assert.True(ChainStart.Base.IsKnown());
    }

    [Fact]
    public async Task Job_WithoutMembersThatMayBeNull_IsRead()
    {
        JobResponse job = await GetAsync(job => _ = job.Remove("extends") && job.Remove("stopReason") && job.Remove("error"));

        Assert.Null(job.Extends);
    }

    [Fact]
    public async Task Word_ThatIsNotKnown_IsNotSent() => await Assert.ThrowsAsync<System.Text.Json.JsonException>(() =>
        new FakeService().Client().Jobs.CreateAsync(
            "bowl", new SamplingRequest { Kernel = (SamplingKernel)(-1) }, cancellationToken: TestContext.Current.CancellationToken));

    [Fact]
    public async Task Create_RequestWithoutType_TakesTheTypeOfItsSpec()
    {
        var service = new FakeService(FakeService.Json(Answers.Job, HttpStatusCode.Accepted));

        await service.Client().Jobs.CreateAsync(
            new CreateJobRequest<ScoringRequest> { Model = "bowl", Priority = 3 }, new JobOptions { IdempotencyKey = "mine", Wait = TimeSpan.FromSeconds(1.5) },
            TestContext.Current.CancellationToken);

        Assert.Equal("""{"model":"bowl","priority":3,"type":"scoring"}""", service.Sent[0].Text);
        Assert.Equal(("mine", "wait=2"), (service.Sent[0].Headers["Idempotency-Key"], service.Sent[0].Headers["Prefer"]));
    }

    [Fact]
    public async Task Energy_WithGradientsThatAreNotFinite_HasNaNThere()
    {
        var service = new FakeService(FakeService.Json(Answers.Energy));

        var answer = await service.Client().Queries.EnergyAsync(
            "bowl", QueryInput.FromValues(new float[] { 1, 2, 3, 4 }, 2, 2), new EnergyOptions { Gradients = true, OutOfRange = Core.Models.OutOfRange.Allow },
            TestContext.Current.CancellationToken);

        Assert.Equal([1, float.NaN], answer.Results[0].Gradient!.Tensor.Values);
        Assert.Equal((null, "not finite"), (answer.Results[1].Energy, answer.Results[1].Error));
        Assert.Equal("/v1/models/bowl/energy?gradients=true&outOfRange=allow", service.Sent[0].Path);
        Assert.Equal([1, 2, 3, 4], NpyArray.Read(service.Sent[0].Body).ToSingles());
    }

    private static Task<JobResponse> GetAsync(Action<JsonObject> change)
    {
        JsonObject job = JsonNode.Parse(Answers.Job)!.AsObject();
        change(job);
        return new FakeService(FakeService.Json(job.ToJsonString())).Client().Jobs.GetAsync("0198", TestContext.Current.CancellationToken);
    }
}
