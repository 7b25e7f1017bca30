using System.Text;
using System.Text.Json;
using EbmService.Cli.Engine;
using EbmService.Core.Files;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Assessment;
using EbmService.Inference.Data;
using EbmService.Inference.Models;
using EbmService.Inference.Training;

namespace EbmService.Cli.Assessment;

/// <summary>One evaluation from data to report.</summary>
internal sealed class AssessmentRunner(CliEnvironment environment, AssessmentOptions options)
{
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (options.ComparePrecision && options.UpdateCard)
            throw CliException.BadInput("--compare-precision writes precision.json only: leave out --update-card");
        if (options.Quick && options.UpdateCard)
            throw CliException.BadInput("--quick metrics don't belong on a card: leave out --quick or --update-card");
        await using LocalEngine engine = LocalEngine.Open(options.ModelFolder);
        HostedModel model = engine.Find(options.Version);
        environment.Out.WriteLine($"Evaluating {model.Key} on {options.Data.Name}.");
        string folder = options.Output ?? Path.Combine("evaluation", model.Key.Name, model.Key.Version);
        Directory.CreateDirectory(folder);
        if (options.ComparePrecision)
            return await ComparePrecisionAsync(engine.Get<PrecisionComparison>(), model, folder, cancellationToken);
        AssessmentOutcome outcome = await engine.Get<ModelAssessment>().RunAsync(Request(model), Say, cancellationToken);

        DurableFiles.Replace(Path.Combine(folder, "evaluation.json"), JsonSerializer.SerializeToUtf8Bytes(outcome.Report, EbmJson.Indented));
        WritePictures(folder, outcome);
        environment.Out.WriteLine();
        environment.Out.WriteLine(AssessmentCard.Render(outcome.Report));
        environment.Out.WriteLine($"Wrote evaluation.json and {outcome.Pictures.Count} pictures to {folder}.");
        if (options.UpdateCard)
            UpdateCard(model, outcome);
        return ExitCode.Ok;
    }

    private async Task<int> ComparePrecisionAsync(PrecisionComparison comparison, HostedModel model, string folder, CancellationToken cancellationToken)
    {
        PrecisionReport report = await comparison.RunAsync(Request(model), Say, cancellationToken);
        DurableFiles.Replace(Path.Combine(folder, "precision.json"), JsonSerializer.SerializeToUtf8Bytes(report, EbmJson.Indented));
        environment.Out.WriteLine();
        environment.Out.WriteLine(report.Render());
        environment.Out.WriteLine($"Wrote precision.json to {folder}.");
        return ExitCode.Ok;
    }

    private AssessmentRequest Request(HostedModel model)
    {
        InputSchema input = model.Descriptor!.Input;
        bool image = input.Kind == InputKind.Image;
        if (image == options.Data.IsTwoMoons)
            throw CliException.BadInput($"the model takes {(image ? "images" : "vectors")}: give it such --data");
        return new AssessmentRequest
        {
            Model = model,
            Command = options.CommandText,
            Data = options.Data.Name,
            Seed = options.Seed,
            Quick = options.Quick,
            TrainImages = image ? options.Data.ReadImages(input) : null,
            TestImages = image ? options.Data.ReadTestImages(input) : null,
            TestRows = image ? null : Rows(options.Data.ReadTest(input), input),
            TwoMoonsNoise = options.Data.IsTwoMoons ? DataSource.TwoMoonsNoise : null,
            OutOfDistribution = options.OutOfDistribution.Select(text => ReadSet(text, input))
                .ToDictionary(set => set.Name, set => set.Images),
            ClassifierFile = options.Classifier,
        };
    }

    private static TensorPayload Rows(ITrainingData data, InputSchema input)
    {
        var values = new float[data.Count * data.RowLength];
        for (int i = 0; i < data.Count; i++)
            data.CopyRow(i, values.AsSpan(i * data.RowLength, data.RowLength));
        return new TensorPayload([data.Count, .. input.Shape], values);
    }

    private static (string Name, ImageDataset Images) ReadSet(string text, InputSchema input)
    {
        string[] parts = text.Split('=', 2);
        if (parts.Length != 2 || parts[0].Length == 0)
            throw CliException.BadInput($"--ood takes NAME=PATH; '{text}' has no name");
        string source = File.Exists(parts[1]) ? $"idx:{parts[1]}" : parts[1];
        return (parts[0], DataSource.Parse(source).ReadImages(input));
    }

    private static void WritePictures(string folder, AssessmentOutcome outcome)
    {
        foreach ((string name, byte[] png) in outcome.Pictures)
            DurableFiles.Replace(Path.Combine(folder, name), png);
    }

    private void UpdateCard(HostedModel model, AssessmentOutcome outcome)
    {
        ModelVersionManifest manifest = model.Manifest! with { Metrics = AssessmentMetrics.Of(outcome.Report) };
        ModelVersionWriter.WriteManifest(Path.Combine(options.ModelFolder, model.Key.Version), manifest);
        string pictures = Path.Combine(options.ModelFolder, "pictures");
        Directory.CreateDirectory(pictures);
        WritePictures(pictures, outcome);
        ModelCardFile.Update(
            Path.Combine(options.ModelFolder, "README.md"), model, AssessmentCard.Render(outcome.Report), outcome.Pictures.Keys);
        environment.Out.WriteLine($"Wrote the metrics into {ModelFiles.Manifest} and README.md.");
    }

    private void Say(string status)
    {
        environment.Out.WriteLine(status);
        environment.Out.Flush();
    }
}

/// <summary>The parts of a model's README.md that <c>ebm evaluate</c> and <c>ebm assess</c> own, each between markers.</summary>
internal static class ModelCardFile
{
    /// <summary>Replaces what stands between the markers; a missing file or missing markers are added.</summary>
    /// <param name="part">The name in the markers.</param>
    public static void Update(string path, HostedModel model, string metrics, IEnumerable<string> pictures, string part = "metrics")
    {
        string text = File.Exists(path) ? File.ReadAllText(path) : $"# {model.Descriptor!.Title}\n\n{model.Descriptor.Description}\n";
        DurableFiles.Replace(path, Encoding.UTF8.GetBytes(Replace(text, Section(metrics, pictures), part)));
    }

    internal static string Replace(string text, string section, string part = "metrics")
    {
        string opening = $"<!-- {part}:begin -->", closing = $"<!-- {part}:end -->";
        int begin = text.IndexOf(opening, StringComparison.Ordinal);
        int end = text.IndexOf(closing, StringComparison.Ordinal);
        string marked = $"{opening}\n{section.TrimEnd()}\n{closing}";
        return begin >= 0 && end > begin
            ? text[..begin] + marked + text[(end + closing.Length)..]
            : $"{text.TrimEnd()}\n\n{marked}\n";
    }

    private static string Section(string metrics, IEnumerable<string> pictures) =>
        metrics.TrimEnd() + "\n\n" + string.Join('\n', pictures.Order(StringComparer.Ordinal)
            .Select(name => $"![{Path.GetFileNameWithoutExtension(name)}](pictures/{name})"));
}
