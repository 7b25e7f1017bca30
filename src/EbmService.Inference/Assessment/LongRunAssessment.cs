using System.Globalization;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Assessment;

/// <param name="Recipe">Null for the model's default.</param>
/// <param name="Steps">How long the chains run; null for ten times the recipe's own.</param>
/// <param name="Chains">From the base distribution; dealt to the classes in turn.</param>
public sealed record LongRunSettings(string? Recipe, int? Steps, int Chains, long Seed);

/// <summary>Chains at one step.</summary>
/// <param name="EnergyMean">Mean E(x).</param>
/// <param name="Saturated">The share of numbers at an end of the input's range.</param>
/// <param name="Valid">Whether both are as those of data.</param>
public sealed record LongRunDraw(int Step, double EnergyMean, double Saturated, bool Valid);

/// <summary>Between two energies.</summary>
public sealed record EnergyBand(double Low, double High);

/// <summary>The file long-run.json.</summary>
/// <param name="DataEnergies">The 1 % and 99 % quantiles of E over data.</param>
/// <param name="DataSaturated">The share of data's numbers at an end of the range.</param>
/// <param name="Valid">The steps between which chains are like data; null where they never are.</param>
public sealed record LongRunReport(
    ModelReference Model, string Recipe, string Data, int Rows, int Chains, long Seed, int Steps, EnergyBand DataEnergies,
    double DataSaturated, StepRange? Valid, IReadOnlyList<LongRunDraw> Draws);

/// <summary>
/// Runs chains of a recipe far beyond its own length and looks where they leave what data look like: networks that were trained with short chains
/// have minima far below the data, to which long chains go, with saturated pictures (Nijkamp et al. 2020, "On the anatomy of MCMC-based maximum
/// likelihood learning of energy-based models").
/// </summary>
public sealed class LongRunAssessment(IJobRunner runner, IImageCodec images)
{
    private const int Looks = 60;
    private const int MaxRows = 1000;
    private const int PicturedDraws = 8, PicturedChains = 10;
    private const double Quantile = 0.01;

    /// <summary>Beyond that much over data's share of numbers at the ends of the range a picture counts as saturated.</summary>
    private const double MoreSaturated = 0.1;

    /// <param name="test">Test data.</param>
    /// <param name="say">Told how far it is.</param>
    /// <returns>The report, and pictures by file name.</returns>
    public async Task<(LongRunReport Report, IReadOnlyDictionary<string, byte[]> Pictures)> RunAsync(
        HostedModel model, string dataName, ITrainingData test, LongRunSettings settings, Action<string> say, CancellationToken cancellationToken)
    {
        InputSchema input = model.Descriptor!.Input;
        var scorer = new SetScorer(runner, model, cancellationToken);
        TensorPayload data = Read(test, input);
        float[] energies = [.. (await scorer.EnergiesAsync(data)).Order()];
        var band = new EnergyBand(At(energies, Quantile), At(energies, 1 - Quantile));
        double saturatedData = Saturated(data.Values, input);

        (SamplingSpec spec, TensorPayload path) = await SampleAsync(model, settings, say, cancellationToken);
        int draws = path.Shape[0], chains = path.Shape[1], length = input.Length();
        float[] ofChains = await scorer.EnergiesAsync(new TensorPayload([draws * chains, .. input.Shape], path.Values));
        var seen = new List<LongRunDraw>();
        for (int draw = 0; draw < draws; draw++)
        {
            double mean = ofChains.AsSpan(draw * chains, chains).ToArray().Average(value => (double)value);
            double saturated = Saturated(path.Values.AsSpan(draw * chains * length, chains * length), input);
            bool valid = mean >= band.Low && mean <= band.High && saturated <= saturatedData + MoreSaturated;
            seen.Add(new LongRunDraw((draw + 1) * spec.Thin!.Value, mean, saturated, valid));
        }
        var report = new LongRunReport(
            model.Reference(), spec.Recipe, dataName, data.Rows, chains, spec.Seed, spec.Steps, band, saturatedData, RangeOf(seen, spec.Steps), seen);
        return (report, Pictures(report, path, input));
    }

    /// <summary>After the draws at the beginning that are not like data, to the last one before a draw that is not like data again.</summary>
    internal static StepRange? RangeOf(IReadOnlyList<LongRunDraw> draws, int steps)
    {
        int before = draws.TakeWhile(draw => !draw.Valid).Select(draw => draw.Step).DefaultIfEmpty().Max();
        LongRunDraw[] valid = [.. draws.SkipWhile(draw => !draw.Valid).TakeWhile(draw => draw.Valid)];
        return valid.Length == 0 ? null : new StepRange(before + 1, valid[^1].Step, steps);
    }

    private async Task<(SamplingSpec Spec, TensorPayload Path)> SampleAsync(
        HostedModel model, LongRunSettings settings, Action<string> say, CancellationToken cancellationToken)
    {
        ModelDescriptor descriptor = model.Descriptor!;
        string name = settings.Recipe ?? descriptor.DefaultRecipe;
        int own = SgldRecipes.Find(descriptor, name)?.Steps ?? 100;
        int thin = Math.Max(1, (settings.Steps ?? 10 * own) / Looks);
        int steps = Math.Max(thin, (settings.Steps ?? 10 * own) / thin * thin), classes = model.Capabilities.Classes;
        var request = new SamplingRequest
        {
            Chains = settings.Chains, Steps = steps, Seed = settings.Seed, Recipe = settings.Recipe, Start = ChainStart.Base, Thin = thin, Warmup = 0,
            Labels = classes > 0 ? [.. Enumerable.Range(0, settings.Chains).Select(chain => chain % classes)] : null,
        };
        say($"sampling {settings.Chains} chains of {steps} steps");
        FinishedJob drawn = await runner.RunAsync(SamplingJob.Name, model, request, report: null, cancellationToken);
        return ((SamplingSpec)drawn.Job.Spec, NpyFormat.Read(await drawn.ReadAsync("trajectory.npy", cancellationToken)));
    }

    private Dictionary<string, byte[]> Pictures(LongRunReport report, TensorPayload path, InputSchema input)
    {
        double[] steps = [.. report.Draws.Select(draw => (double)draw.Step)];
        double[] low = [.. steps.Select(_ => report.DataEnergies.Low)], high = [.. steps.Select(_ => report.DataEnergies.High)];
        string valid = report.Valid is { } range ? $"like data from step {range.From} to {range.To}" : "never like data";
        var curve = new LinePlot($"{report.Model.Name}: chains of recipe {report.Recipe}", "step", "mean E(x)",
            [new PlotSeries("chains", steps, [.. report.Draws.Select(draw => draw.EnergyMean)])])
        {
            Subtitle = valid, Bands = [new PlotBand("1 % to 99 % of data", steps, low, high, Color: 1)],
        };
        var pictures = new Dictionary<string, byte[]> { ["long-run.png"] = PlotRenderer.Render(curve) };
        int chains = Math.Min(PicturedChains, report.Chains), length = input.Length(), draws = Math.Min(PicturedDraws, report.Draws.Count);
        var values = new List<float>();
        // Rows of the picture are steps, evenly spaced to the last; a column is a chain.
        for (int row = 1; row <= draws; row++)
        {
            int draw = row * report.Draws.Count / draws - 1;
            values.AddRange(path.Values.AsSpan(draw * report.Chains * length, chains * length));
        }
        byte[] grid = images.EncodeGrid(new TensorPayload([draws * chains, .. input.Shape], [.. values]), input, chains);
        if (grid.Length > 0)
            pictures["long-run-samples.png"] = grid;
        return pictures;
    }

    /// <summary>The first rows; levels of binary variables are drawn.</summary>
    private static TensorPayload Read(ITrainingData test, InputSchema input)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = Math.Min(test.Count, MaxRows);
        return new TensorPayload([count, .. input.Shape], TrainingRows.Read(input, test, [.. Enumerable.Range(0, count)], 0, count).ToFloats());
    }

    private static double At(float[] sorted, double share) => sorted[(int)Math.Round(share * (sorted.Length - 1))];

    /// <returns>0 of variables that are always at an end.</returns>
    private static double Saturated(ReadOnlySpan<float> values, InputSchema input)
    {
        if (input.Variables != VariableKind.Continuous)
            return 0;
        double near = (input.Max - input.Min) / 255;
        int count = 0;
        foreach (float value in values)
        {
            if (value <= input.Min + near || value >= input.Max - near)
                count++;
        }
        return (double)count / values.Length;
    }

    /// <summary>As Markdown, for the model's card.</summary>
    public static string Render(LongRunReport report)
    {
        string valid = report.Valid is { } range
            ? $"**Steps {range.From} to {range.To}** of the recipe `{report.Recipe}` give samples like data ({report.Steps} were tested)."
            : $"At no step of the recipe `{report.Recipe}` were samples like data ({report.Steps} were tested).";
        return string.Create(CultureInfo.InvariantCulture, $"""
            {valid} Like data: the mean energy of {report.Chains} chains from the base distribution lies within the 1 % and 99 % quantiles of {report.Rows} test
            rows, [{report.DataEnergies.Low:F2}, {report.DataEnergies.High:F2}], and at most {report.DataSaturated + MoreSaturated:P0} of the numbers (of continuous variables) are at an end of the range; data have {report.DataSaturated:P0}. At the last
            step the mean energy is {report.Draws[^1].EnergyMean:F2}, and {report.Draws[^1].Saturated:P0} of the numbers are at an end.
            """);
    }
}
