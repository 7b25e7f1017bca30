using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EbmService.Benchmarks.Reports;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>An epoch of persistent contrastive divergence on MNIST with k = 1, as scikit-learn's BernoulliRBM has it: by the command, as a job, and by scikit-learn.</summary>
internal sealed class TrainingMeasurement : IMeasurement
{
    private const string Model = "rbm-epoch";
    private const string Python = "/usr/bin/python3";
    private const int Rows = 58_000, Batch = 128, Hidden = 500, Iterations = (Rows + Batch - 1) / Batch;

    private static string Mnist { get; } = Path.Combine(BenchmarkOptions.RepositoryRoot, "data", "mnist");

    private static string Script { get; } =
        Path.Combine(BenchmarkOptions.RepositoryRoot, "tests", "EbmService.Benchmarks", "PyTorch", "sklearn_rbm.py");

    public string Name => "training";

    public string Title => "training: an epoch of a restricted Boltzmann machine on MNIST, beside scikit-learn";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        if (!Directory.Exists(Mnist))
            return new MeasurementResult("Not measured: there is no data/mnist ('ebm data mnist --out data/mnist' fetches it).", new { skipped = true });
        string folder = WriteModel(context);
        bool hasPython = File.Exists(Python) && (await RunAsync(Python, ["-c", "import sklearn"])).Code == 0;
        await using ServiceProcess service = await context.StartServiceAsync(trainingData: Path.GetDirectoryName(Mnist));
        var rounds = new List<Round>();
        for (int round = 1; round <= context.Options.ActualRounds; round++)
        {
            (double command, double commandPeak) = await CommandAsync(folder, round);
            double job = await JobAsync(service, round);
            JsonNode? other = hasPython ? await PythonAsync(Path.Combine(folder, $"c{round}", "weights.safetensors")) : null;
            rounds.Add(new Round(
                command, commandPeak, job, (double?)other?["secondsPerEpoch"], (double?)other?["peakMiB"], (double?)other?["pseudoLikelihood"],
                (double?)other?["oursPseudoLikelihood"]));
            BenchmarkContext.Say(FormattableString.Invariant($"training, round {round}: command {command:F1} s, job {job:F1} s, scikit-learn {rounds[^1].Python:F1} s"));
        }
        return new MeasurementResult(Report(rounds, service.ResidentBytes / (double)(1 << 20)), rounds);
    }

    private static string Report(List<Round> rounds, double service)
    {
        Spread command = Spread.Of(rounds.Select(round => round.Command)), job = Spread.Of(rounds.Select(round => round.Job));
        var table = new MarkdownTable("", "seconds an epoch", "examples and chain-steps per second", "times scikit-learn's speed", "peak memory, MiB", "pseudo-likelihood, nats");
        string Speed(Spread seconds) => FormattableString.Invariant($"{Rows / seconds.Median:N0}");
        string Ratio(Func<Round, double> ours) => rounds[0].Python is null ? "" : Spread.OfRatios(rounds.Select(round => round.Python!.Value), rounds.Select(ours)).Show("F1");
        if (rounds[0].Python is not null)
        {
            Spread python = Spread.Of(rounds.Select(round => round.Python!.Value));
            table.Row("scikit-learn", python.Show("F1"), Speed(python), "1", Text(rounds.Max(round => round.PythonPeak)), Text(rounds[0].PythonScore));
        }
        table.Row("ebm train, two parts on two threads", command.Show("F1"), Speed(command), Ratio(round => round.Command), Text(rounds.Max(round => round.CommandPeak)), Text(rounds[0].Score));
        table.Row("training job, on one slot", job.Show("F1"), Speed(job), Ratio(round => round.Job), FormattableString.Invariant($"{service:F0} (the service)"), "the same weights");
        return FormattableString.Invariant($"""
            {Rows} rows, batches of {Batch}, {Hidden} hidden units, PCD with k = 1. Ours: Adam, rows binarised anew each time; scikit-learn (BernoulliRBM): plain gradient, rate 0.01, rows binarised once. The pseudo-likelihood is of 300 test images, over every
            pixel, by the same lines for both; the optimisers differ, so it compares programs and their defaults.

            {table}
            """);

        static string Text(double? value) => value is { } number ? FormattableString.Invariant($"{number:F0}") : "";
    }

    private static string WriteModel(BenchmarkContext context)
    {
        string folder = Path.Combine(context.Models.Folder, Model);
        Directory.CreateDirectory(folder);
        JsonNode descriptor = JsonNode.Parse(File.ReadAllText(Path.Combine(context.Options.ModelsPath, "mnist-rbm", "model.json")))!;
        descriptor["name"] = Model;
        File.WriteAllText(Path.Combine(folder, "model.json"), descriptor.ToJsonString());
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(context.Options.ModelsPath, "mnist-rbm", "training.json")))!;
        (config["iterations"], config["gibbs"]!["sweeps"], config["batchSize"], config["bufferSize"], config["pictureEvery"], config["validateEvery"]) =
            (Iterations, 1, Batch, Batch, 0, 0);
        File.WriteAllText(Path.Combine(folder, "training.json"), config.ToJsonString());
        return folder;
    }

    private static async Task<(double Seconds, double PeakMiB)> CommandAsync(string folder, int round)
    {
        (int code, string text, double peak) = await RunAsync("dotnet",
            [BenchmarkOptions.CommandAssembly, "train", folder, "--data", $"mnist:{Mnist}", "--version", $"c{round}", "--checkpoint", Path.Combine(folder, $".c{round}", "checkpoint")]);
        if (code != 0)
            throw new InvalidOperationException(text);
        JsonNode version = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, $"c{round}", "version.json")))!;
        return ((double)version["provenance"]!["seconds"]!, peak);
    }

    private static async Task<double> JobAsync(ServiceProcess service, int round)
    {
        using HttpResponseMessage answer = await service.Client.PostAsJsonAsync(
            "/v1/jobs", new { type = "training", model = Model, spec = new { data = "mnist", version = $"j{round}" } });
        JsonNode job = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        string id = (string)job["id"]!;
        while ((string?)job["status"] is "queued" or "running")
        {
            await Task.Delay(200);
            job = JsonNode.Parse(await service.Client.GetStringAsync($"/v1/jobs/{id}"))!;
        }
        if ((string?)job["status"] != "succeeded")
            throw new InvalidOperationException(job["error"]?.ToJsonString());
        return (Time("finishedAt") - Time("startedAt")).TotalSeconds;

        DateTimeOffset Time(string member) => DateTimeOffset.Parse((string)job[member]!, CultureInfo.InvariantCulture);
    }

    private static async Task<JsonNode> PythonAsync(string weights)
    {
        (int code, string text, _) = await RunAsync(Python, [Script, Mnist, "1", $"{Hidden}", $"{Batch}", "0.01", weights]);
        return code == 0 ? JsonNode.Parse(text)! : throw new InvalidOperationException(text);
    }

    /// <summary>Runs a program to its end and watches the most memory that it held.</summary>
    private static async Task<(int Code, string Text, double PeakMiB)> RunAsync(string file, IReadOnlyList<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> text = process.StandardOutput.ReadToEndAsync(), messages = process.StandardError.ReadToEndAsync();
        double peak = 0;
        while (!process.HasExited)
        {
            await Task.Delay(100);
            process.Refresh();
            if (!process.HasExited)
                peak = Math.Max(peak, process.PeakWorkingSet64 / (double)(1 << 20));
        }
        await process.WaitForExitAsync();
        return (process.ExitCode, process.ExitCode == 0 ? await text : await messages, peak);
    }

    /// <param name="Command">Seconds of training by the command.</param>
    /// <param name="Job">Seconds from a job's start to its end, the version published.</param>
    private sealed record Round(
        double Command, double CommandPeak, double Job, double? Python, double? PythonPeak, double? PythonScore, double? Score);
}
