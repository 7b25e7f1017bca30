using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EbmService.Benchmarks.Reports;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>The tasks as jobs beside the same written plainly in PyTorch and NumPy, and the memory of jobs over ten times the rows.</summary>
internal sealed class TasksMeasurement : IMeasurement
{
    private const string Python = "/usr/bin/python3";
    private const int Small = 1_000, Large = 10_000;

    private static readonly TaskCase[] s_tasks =
    [
        new("restoration", "100 digits, half hidden, 8 chains of 100 steps", "mnist-jem",
            """{"truth": {"dataset": "test", "count": 100}, "damage": {"kind": "half", "side": "right"}, "samples": 8, "start": "base", "seed": 1}"""),
        new("calibration", "2 000 digits", "mnist-jem", """{"name": "benchmark", "data": {"dataset": "test", "count": 2000}}"""),
        // Both sides are annealed: twice the transitions of the plain program, and the chains that the reverse side begins with.
        new("likelihood", "mnist-rbm, 1 000 temperatures, 100 chains", "mnist-rbm",
            """{"chains": 100, "bridges": 1000, "reverseSteps": 1, "seed": 1}""", 2),
        new("robustness", "PGD-40 on 1 000 digits, L-infinity 0.1", "mnist-jem",
            """{"inputs": {"dataset": "test", "count": 1000}, "radii": [0.1], "steps": 40, "seed": 1}"""),
    ];

    private static string Mnist { get; } = Path.Combine(BenchmarkOptions.RepositoryRoot, "data", "mnist");

    private static string Script { get; } =
        Path.Combine(BenchmarkOptions.RepositoryRoot, "tests", "EbmService.Benchmarks", "PyTorch", "plain_tasks.py");

    public string Name => "tasks";

    public string Title => "tasks: jobs beside plain PyTorch and NumPy, and memory over ten times the rows";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        if (!Directory.Exists(Mnist))
            return new MeasurementResult("Not measured: there is no data/mnist ('ebm data mnist --out data/mnist' fetches it).", new { skipped = true });
        if (!File.Exists(Python) || (await RunPythonAsync(["-c", "import torch"])).Code != 0)
            return new MeasurementResult("Not measured: there is no python3-torch.", new { skipped = true });
        CopyModel(context, "mnist-rbm");
        var rounds = s_tasks.ToDictionary(task => task.Type, _ => new List<(double Plain, double Job)>());
        await using (ServiceProcess service = await context.StartServiceAsync())
        {
            await UploadAsync(service);
            for (int round = 1; round <= context.Options.ActualRounds; round++)
            {
                foreach (TaskCase task in s_tasks)
                {
                    (int code, string text) = await RunPythonAsync([Script, task.Type, context.Options.ModelsPath, Mnist]);
                    if (code != 0)
                        throw new InvalidOperationException(text);
                    double plain = (double)JsonNode.Parse(text)!["seconds"]!;
                    double job = await JobAsync(service, task.Type, task.Model, task.Spec.Replace("\"benchmark\"", $"\"benchmark-{round}\"", StringComparison.Ordinal)) / task.Share;
                    rounds[task.Type].Add((plain, job));
                    BenchmarkContext.Say(FormattableString.Invariant($"tasks, round {round}: {task.Type} plain {plain:F2} s, job {job:F2} s"));
                }
            }
        }
        var table = new MarkdownTable("task", "what", "plain, s", "job, s", "times the plain program's speed");
        foreach (TaskCase task in s_tasks)
        {
            List<(double Plain, double Job)> all = rounds[task.Type];
            table.Row(task.Type, task.What, Spread.Of(all.Select(one => one.Plain)).Show("F2"), Spread.Of(all.Select(one => one.Job)).Show("F2"),
                Spread.OfRatios(all.Select(one => one.Plain), all.Select(one => one.Job)).Show("F2"));
        }
        MarkdownTable memory = await MemoryAsync(context);
        return new MeasurementResult($"""
            Seconds of a job go from its start to its end, with its files. Plain programs run with PyTorch's and NumPy's own numbers of threads, loading left out; the job likelihood anneals both sides, so its
            time is halved. Both go on with the rows that are not fooled yet in PGD; both have the same scores in calibration.

            {table}

            The most memory that a fresh service held, from its start to the job's end:

            {memory}
            """, rounds.ToDictionary(pair => pair.Key, pair => pair.Value.Select(one => new { one.Plain, one.Job })));
    }

    private static void CopyModel(BenchmarkContext context, string name)
    {
        string from = Path.Combine(context.Options.ModelsPath, name), to = Path.Combine(context.Models.Folder, name);
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }

    private static async Task<MarkdownTable> MemoryAsync(BenchmarkContext context)
    {
        var table = new MarkdownTable("job", $"{Small} rows, MiB", $"{Large} rows, MiB", "ratio");
        foreach ((string type, string spec) in new[]
        {
            ("scoring", """{"inputs", "outputs": ["energy", "logits", "pValue"]}"""),
            ("calibration", """{"name": "memory", "data": {"inputs"}}"""),
            ("robustness", """{"inputs": {"inputs"}, "method": "fgsm", "radii": [0.1], "seed": 1}"""),
            ("assessment", """{"inDistribution": {"inputs"}, "outOfDistribution": [{"name": "same", "rows": {"inputs"}}], "bootstrap": 20}"""),
            ("restoration", """{"truth": {"inputs"}, "damage": {"kind": "half", "side": "right"}, "samples": 2, "start": "base", "seed": 1, "chain": {"steps": 2}}"""),
            ("editing", """{"operation": "project", "inputs": {"inputs"}, "steps": 2}"""),
            ("interpolation", """{"method": "straight", "from": {"inputs"}, "to": {"inputs"}, "points": 3}"""),
            ("likelihood", """{"chains": 8, "bridges": 4, "leapfrogSteps": 1, "pilotChains": 8, "reverseSteps": 1, "seed": 1, "dequantisationLevels": 256, "inputs": {"inputs"}}"""),
        })
        {
            double[] peaks = new double[2];
            foreach ((int place, int rows) in new[] { Small, Large }.Index())
            {
                await using ServiceProcess service = await context.StartServiceAsync();
                await UploadAsync(service);
                string members = $"\"dataset\": \"test\", \"count\": {rows}";
                await JobAsync(service, type, "mnist-jem", spec.Replace("{\"inputs\"}", $"{{{members}}}", StringComparison.Ordinal).Replace("\"inputs\",", members + ",", StringComparison.Ordinal));
                peaks[place] = service.PeakResidentBytes / (double)(1 << 20);
            }
            table.Row(type, FormattableString.Invariant($"{peaks[0]:F0}"), FormattableString.Invariant($"{peaks[1]:F0}"), FormattableString.Invariant($"{peaks[1] / peaks[0]:F2}"));
            BenchmarkContext.Say(FormattableString.Invariant($"tasks, memory of {type}: {peaks[0]:F0} and {peaks[1]:F0} MiB"));
        }
        return table;
    }

    private static async Task UploadAsync(ServiceProcess service)
    {
        using var form = new MultipartFormDataContent
        {
            { new StreamContent(File.OpenRead(Path.Combine(Mnist, "t10k-images-idx3-ubyte.gz"))), "rows", "images" },
            { new StreamContent(File.OpenRead(Path.Combine(Mnist, "t10k-labels-idx1-ubyte.gz"))), "labels", "labels" },
        };
        using HttpResponseMessage answer = await service.Client.PutAsync("/v1/datasets/test", form);
        answer.EnsureSuccessStatusCode();
    }

    /// <returns>Seconds from the job's start to its end.</returns>
    private static async Task<double> JobAsync(ServiceProcess service, string type, string model, string spec)
    {
        using HttpResponseMessage answer = await service.Client.PostAsJsonAsync(
            "/v1/jobs", new JsonObject { ["type"] = type, ["model"] = model, ["spec"] = JsonNode.Parse(spec) });
        JsonNode job = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(job.ToJsonString());
        string id = (string)job["id"]!;
        while ((string?)job["status"] is "queued" or "running")
        {
            await Task.Delay(100);
            job = JsonNode.Parse(await service.Client.GetStringAsync($"/v1/jobs/{id}"))!;
        }
        if ((string?)job["status"] != "succeeded")
            throw new InvalidOperationException(job.ToJsonString());
        return (Time("finishedAt") - Time("startedAt")).TotalSeconds;

        DateTimeOffset Time(string member) => DateTimeOffset.Parse((string)job[member]!, CultureInfo.InvariantCulture);
    }

    private static async Task<(int Code, string Text)> RunPythonAsync(IReadOnlyList<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> text = process.StandardOutput.ReadToEndAsync(), messages = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, process.ExitCode == 0 ? await text : await messages);
    }

    /// <param name="Share">By how much the job's time is divided: how often it does what the plain program does once.</param>
    private sealed record TaskCase(string Type, string What, string Model, string Spec, double Share = 1);
}
