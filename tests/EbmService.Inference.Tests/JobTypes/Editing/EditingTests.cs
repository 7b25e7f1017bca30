using System.Text.Json.Nodes;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Editing;

/// <summary>Edits held against closed forms, and against what the model says of the rows in the files.</summary>
public sealed class EditingTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public EditingTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Project_OnAGaussian_DescendsByTheClosedForm()
    {
        // One step of size a moves a row to x - a dE/dx: what a query's gradient says.
        TensorPayload rows = new([2, 2], [1, -0.5f, 0.25f, 2]);
        QueryAnswer answer = _host.Queries.Evaluate([new ModelQuery { Model = new ModelKey("gaussian", "1"), Kind = QueryKind.Energy, Inputs = rows, Gradients = true }]).Single().OrThrow();

        (float[] edited, _) = await EditAsync("gaussian", """{"inputs": {"data": [[1, -0.5], [0.25, 2]]}, "steps": 1, "stepSize": 0.1}""");

        for (int i = 0; i < 4; i++)
            Assert.Equal(rows.Values[i] - 0.1 * answer.Gradients!.Values[i], edited[i], 1e-5);
        (_, JsonNode report) = await EditAsync("gaussian", """{"inputs": {"data": [[1, -0.5], [0.25, 2]]}, "steps": 500, "stepSize": 0.1}""");
        Assert.All(report["each"]!.AsArray(), row => Assert.True((double)row!["energyAfter"]! < (double)row["energyBefore"]! && (double)row["energyAfter"]! < 1e-6));
    }

    [Fact]
    public async Task Leash_IsNeverLeft()
    {
        (float[] edited, JsonNode report) = await EditAsync("gaussian", """{"inputs": {"data": [[3, 3]]}, "steps": 50, "stepSize": 0.2, "leash": 0.5}""");

        Assert.Equal(0.5, Math.Sqrt(Math.Pow(edited[0] - 3, 2) + Math.Pow(edited[1] - 3, 2)), 1e-5);
        Assert.Equal(0.5, (double)report["each"]![0]!["distance"]!, 1e-5);
    }

    [Fact]
    public async Task Counterfactual_Found_IsOfTheTargetClassAsAQuerySays()
    {
        string request = $$"""{"operation": "counterfactual", "inputs": {"npy": "{{EditingCase.Npy(6)}}"}, "steps": 60, "stepSize": 300, "energyWeight": 0, "confidence": 0.01}""";
        (float[] edited, JsonNode report) = await EditAsync("jem", request);

        int found = 0;
        foreach (JsonNode? row in report["each"]!.AsArray())
        {
            if (row!["distance"] is null)
                continue;
            int index = (int)row["row"]!;
            QueryAnswer answer = Classify(new TensorPayload([1, 1, 8, 8], edited[(index * 64)..((index + 1) * 64)]));
            Assert.Equal((int)row["target"]!, answer.Labels![0]);
            Assert.NotEqual((int)row["classBefore"]!, answer.Labels[0]);
            Assert.True((bool)row["isTarget"]!);
            found++;
        }
        Assert.True(found >= 3, $"only {found} found");
    }

    [Fact]
    public async Task Counterfactual_MoreSteps_AreNeverFarther()
    {
        double[] distances = [];
        foreach (int steps in new[] { 20, 40, 80 })
        {
            (_, JsonNode report) = await EditAsync("jem", $$"""{"operation": "counterfactual", "inputs": {"npy": "{{EditingCase.Npy(6)}}"}, "steps": {{steps}}, "stepSize": 300, "energyWeight": 0, "confidence": 0.01}""");
            double[] now = [.. report["each"]!.AsArray().Select(row => (double?)row!["distance"] ?? double.PositiveInfinity)];
            Assert.All(distances.Zip(now), pair => Assert.True(pair.Second <= pair.First));
            distances = now;
        }
    }

    [Fact]
    public async Task Edits_OfAnyBlockSize_AreTheSameBits()
    {
        (float[] first, _) = await EditAsync("jem", $$"""{"target": 1, "inputs": {"npy": "{{EditingCase.Npy(11)}}"}, "steps": 5, "blockSize": 11}""");
        (float[] second, _) = await EditAsync("jem", $$"""{"target": 1, "inputs": {"npy": "{{EditingCase.Npy(11)}}"}, "steps": 5, "blockSize": 3}""");

        Assert.Equal(first, second);
    }

    private QueryAnswer Classify(TensorPayload rows) =>
        _host.Queries.Evaluate([new ModelQuery { Model = new ModelKey("jem", "1"), Kind = QueryKind.Classification, Inputs = rows }]).Single().OrThrow();

    private async Task<(float[] Edited, JsonNode Report)> EditAsync(string model, string spec)
    {
        JobDefinition job = (await _host.AcceptAsync("editing", model, spec)).OrThrow();
        var files = new ResultFiles();
        Assert.Null(_host.Types.Assemble(
            job, [.. _host.Types.Plan(job.Spec).Blocks.Select(block => new BlockResult(block, Run(job, block)))], StopReason.Completed, files));
        return (NpyFormat.Read(files.All.Single(file => file.Name == "edited.npy").Content).Values,
            JsonNode.Parse(files.All.Single(file => file.Name == "editing.json").Content)!);
    }

    private byte[] Run(JobDefinition job, BlockPlan block)
    {
        using IWorkload workload = _host.Workloads.Open(job, block);
        while (!workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Done)
        {
            // Until it is done.
        }
        return workload.Finish();
    }
}
