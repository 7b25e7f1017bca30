using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>
/// Scores that are fitted on in-distribution rows, over a model's layers; higher = more in-distribution. Computed in managed code from one pass forwards, a row at a
/// time, so that a row's numbers don't depend on its company.
/// </summary>
internal sealed record FittedScores
{
    /// <summary>The neighbour whose distance counts (Sun et al. 2022).</summary>
    public const int Neighbours = 50;

    /// <summary>Rows that neighbours are looked for among.</summary>
    public const int MaxBank = 2000;

    private const string Prefix = "fit.";

    // Of the logistic distribution whose cumulative function is within 0.01 of the normal one.
    private const double Logistic = 1.702;

    /// <value>The first, the middle and the last of the model's layers.</value>
    public required IReadOnlyList<LayerGaussian> Layers { get; init; }

    /// <value>(rows, components of the last layer), each of length one.</value>
    public required float[] Bank { get; init; }

    /// <value>How many log-densities a unit of the residual is worth: the ratio of their spreads.</value>
    public required float ResidualScale { get; init; }

    /// <value>Where features are cut off: their 90 % quantile (Sun et al. 2021); null for models whose logits are not linear in features.</value>
    public float? Clip { get; init; }

    /// <value>Means of the parts of the combined score over reference rows, which nothing else was fitted on; empty until they are known.</value>
    public IReadOnlyList<float> Centres { get; init; } = [];

    /// <value>Their standard deviations.</value>
    public IReadOnlyList<float> Spreads { get; init; } = [];

    public IReadOnlyList<string> Names =>
    [
        OodScorer.Mahalanobis, OodScorer.NearestNeighbour, OodScorer.VirtualLogit, OodScorer.ClassDensity,
        // Of one class it would be a distance less itself.
        .. Last.Classes > 1 ? [OodScorer.RelativeMahalanobis] : (string[])[],
        .. Clip is null ? (string[])[] : [OodScorer.ClippedFeatures],
        .. Centres.Count == 0 ? (string[])[] : [OodScorer.Combined],
    ];

    private LayerGaussian Last => Layers[^1];

    /// <summary>The layers that are looked at, of all.</summary>
    public static IReadOnlyList<Tensor> Pick(IReadOnlyList<Tensor> layers) =>
        [.. new[] { 0, (layers.Count - 1) / 2, layers.Count - 1 }.Distinct().Select(index => layers[index])];

    /// <summary>Every score of <see cref="Names"/> of a batch.</summary>
    /// <param name="scores">Those of <see cref="OodScorer.Names"/>; these are added.</param>
    public void AddTo(Dictionary<string, float[]> scores, IEnergyModel model, Tensor x)
    {
        float[] logDensity = scores[OodScorer.LogDensity];
        int rows = logDensity.Length;
        LayerPoint[][] points = Place(model, x);
        int[] labels = Labels(model, x, rows);
        foreach (string name in Names)
            scores[name] = new float[rows];
        float[]? clipped = Clip is { } clip ? Clipped(model, x, clip) : null;
        for (int row = 0; row < rows; row++)
        {
            LayerPoint last = points[^1][row];
            double distance = Last.Distance(last);
            scores[OodScorer.Mahalanobis][row] = (float)-distance;
            if (Last.Classes > 1)
                scores[OodScorer.RelativeMahalanobis][row] = (float)(Last.WholeDistance(last) - distance);
            scores[OodScorer.NearestNeighbour][row] = -NeighbourDistance(last.Components);
            scores[OodScorer.VirtualLogit][row] = (float)(logDensity[row] - ResidualScale * last.Residual);
            double[] parts = Parts(logDensity[row], points, labels[row], row);
            scores[OodScorer.ClassDensity][row] = (float)parts[1 + (Layers.Count - 1) / 2];
            if (clipped is not null)
                scores[OodScorer.ClippedFeatures][row] = clipped[row];
            if (Centres.Count > 0)
                scores[OodScorer.Combined][row] = (float)Combine(parts);
        }
    }

    /// <summary>What the combined score is made of: one array per row.</summary>
    public double[][] PartsOf(IEnergyModel model, Tensor x, float[] logDensity)
    {
        LayerPoint[][] points = Place(model, x);
        int[] labels = Labels(model, x, logDensity.Length);
        return [.. logDensity.Select((value, row) => Parts(value, points, labels[row], row))];
    }

    public void AddTo(Dictionary<string, SafetensorsTensor> tensors)
    {
        foreach ((int i, LayerGaussian layer) in Layers.Index())
            layer.AddTo(tensors, $"{Prefix}{i}.");
        tensors[Prefix + "bank"] = SafetensorsTensor.FromFloats(Bank, [Bank.Length / Last.Components, Last.Components]);
        Add("residualScale", [ResidualScale]);
        if (Clip is { } clip)
            Add("clip", [clip]);
        Add("centres", [.. Centres]);
        Add("spreads", [.. Spreads]);

        void Add(string name, float[] values) => tensors[Prefix + name] = SafetensorsTensor.FromFloats(values, [values.Length]);
    }

    /// <summary>Whether the tensor belongs to what is fitted.</summary>
    public static bool Owns(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <returns>Null where nothing is fitted.</returns>
    /// <exception cref="InvalidCheckpointException">A tensor is missing or has no possible shape.</exception>
    public static FittedScores? Read(SafetensorsFile file)
    {
        if (!file.Tensors.Keys.Any(Owns))
            return null;
        int layers = 0;
        while (file.Tensors.ContainsKey($"{Prefix}{layers}.mean"))
            layers++;
        if (layers is < 1 or > 3)
            throw new InvalidCheckpointException("the fitted scores have no layers");
        var fitted = new FittedScores
        {
            Layers = [.. Enumerable.Range(0, layers).Select(i => LayerGaussian.Read(file, $"{Prefix}{i}."))],
            Bank = Floats("bank"),
            ResidualScale = Floats("residualScale")[0],
            Clip = file.Tensors.ContainsKey(Prefix + "clip") ? Floats("clip")[0] : null,
            Centres = Floats("centres"),
            Spreads = Floats("spreads"),
        };
        bool fits = fitted.Bank.Length > 0 && fitted.Bank.Length % fitted.Last.Components == 0 && fitted.Layers.All(layer => layer.Classes == fitted.Last.Classes)
            && fitted.Centres.Count == layers + 2 && fitted.Spreads.Count == layers + 2 && fitted.Spreads.All(spread => spread > 0);
        return fits ? fitted : throw new InvalidCheckpointException("the fitted scores don't belong together");

        float[] Floats(string name)
        {
            float[] values = file[Prefix + name].ToFloats();
            return values.Length > 0 && Array.TrueForAll(values, float.IsFinite)
                ? values : throw new InvalidCheckpointException($"'{Prefix}{name}' is empty or holds NaN or infinity");
        }
    }

    /// <summary>The class that the model gives each row; 0 for a model without classes.</summary>
    public static int[] Labels(IEnergyModel model, Tensor x, int rows)
    {
        if (model.Classes == 0)
            return new int[rows];
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        float[] logits = model.Logits(x)!.ToFloats();
        return [.. Enumerable.Range(0, rows).Select(row =>
        {
            ReadOnlySpan<float> one = logits.AsSpan(row * model.Classes, model.Classes);
            int best = 0;
            for (int i = 1; i < one.Length; i++)
                best = one[i] > one[best] ? i : best;
            return best;
        })];
    }

    /// <summary>The layers' numbers, one array per picked layer.</summary>
    public static float[][] Rows(IEnergyModel model, Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return [.. Pick(model.Layers(x)).Select(layer => layer.ToFloats())];
    }

    /// <summary>Log-density with the features cut off at a height (ReAct, Sun et al. 2021).</summary>
    private static float[] Clipped(IEnergyModel model, Tensor x, float clip)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (Tensor weight, Tensor bias) = ((IReadout)model).Readout;
        float[] features = model.Features(x)!.ToFloats(), weights = weight.ToFloats(), biases = bias.ToFloats();
        int width = weights.Length / biases.Length;
        for (int i = 0; i < features.Length; i++)
            features[i] = Math.Min(features[i], clip);
        var densities = new float[features.Length / width];
        var logits = new double[biases.Length];
        for (int row = 0; row < densities.Length; row++)
        {
            for (int label = 0; label < logits.Length; label++)
                logits[label] = biases[label] + Vectors.Dot(features.AsSpan(row * width, width), weights.AsSpan(label * width, width));
            double largest = logits.Max();
            densities[row] = (float)(largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest))));
        }
        return densities;
    }

    private LayerPoint[][] Place(IEnergyModel model, Tensor x) =>
    [
        .. Rows(model, x).Zip(Layers, (values, layer) =>
        {
            int rows = (int)x.shape[0], length = values.Length / rows;
            return Enumerable.Range(0, rows).Select(row => layer.Place(values.AsSpan(row * length, length))).ToArray();
        }),
    ];

    /// <summary>Log-density, the class's density at each layer, and how little lies outside the last layer's components.</summary>
    private double[] Parts(float logDensity, LayerPoint[][] points, int label, int row) =>
    [
        logDensity,
        .. Layers.Select((layer, i) => layer.LogDensity(points[i][row], Math.Min(label, layer.Classes - 1))),
        -points[^1][row].Residual,
    ];

    /// <summary>
    /// Fisher's sum of the logs of the parts' p-values, each by a logistic distribution of its mean and spread: it never saturates, as ranks would, and is itself
    /// calibrated like any other score, which makes its p-values valid however the parts hang together.
    /// </summary>
    private double Combine(double[] parts)
    {
        double sum = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            double z = Logistic * (parts[i] - Centres[i]) / Spreads[i];
            sum -= z > 0 ? Math.Log(1 + Math.Exp(-z)) : Math.Log(1 + Math.Exp(z)) - z;
        }
        return sum;
    }

    private float NeighbourDistance(float[] components)
    {
        float[] unit = Unit(components);
        int size = components.Length, rows = Bank.Length / size;
        var squared = new float[rows];
        for (int row = 0; row < rows; row++)
            squared[row] = 2 - 2 * Vectors.Dot(Bank.AsSpan(row * size, size), unit);
        Array.Sort(squared);
        return MathF.Sqrt(Math.Max(0, squared[Math.Min(Neighbours, rows) - 1]));
    }

    /// <summary>Scaled to length one.</summary>
    public static float[] Unit(float[] components)
    {
        double length = Math.Sqrt(Math.Max(Vectors.SquaredLength(components), 1e-24));
        return Array.ConvertAll(components, value => (float)(value / length));
    }
}
