using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using TorchSharp;
using EbmService.Inference.Randomness;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>Which rows serve what: none serves two purposes.</summary>
/// <param name="Fit">Principal components, Gaussians, neighbours.</param>
/// <param name="Reference">Means and spreads of what is combined, the centre of typicality, the temperature.</param>
/// <param name="Calibration">The scores that p-values compare with.</param>
internal sealed record CalibrationSplit(int[] Fit, int[] Reference, int[] Calibration)
{
    /// <summary>Of every ten rows five, one and four on average, drawn by a seed; each part in the order of the rows, so that they can be read in runs.</summary>
    public static CalibrationSplit Draw(int rows, long seed)
    {
        int[] order = [.. Enumerable.Range(0, rows)];
        new Random(BlockSeed.OfRandom(seed)).Shuffle(order);
        int fit = rows / 2, reference = Math.Max(2, rows / 10);
        return new([.. order[..fit].Order()], [.. order[fit..(fit + reference)].Order()], [.. order[(fit + reference)..].Order()]);
    }
}

/// <summary>
/// Makes a calibration a tile of rows at a time: two passes over the rows to fit on, one over the reference rows, one over those to calibrate on. Memory grows with
/// the layers and the number of scores, not with the rows' size. Can be stopped and gone on with after any tile.
/// </summary>
internal sealed class OodCalibrator
{
    public const int Tile = 64;

    private readonly IEnergyModel _model;
    private readonly ModelDescriptor _descriptor;
    private readonly CalibrationSplit _split;
    private readonly Func<int[], Tensor> _read;
    private readonly bool _chains;
    private readonly Func<int[], int[]?>? _labels;
    private readonly List<float> _logits = [];
    private readonly List<int> _classes = [];
    private readonly List<float[]> _bank = [];
    private readonly List<float> _referenceDensities = [];
    private LayerMoments[] _moments = [];
    private FittedScores? _fitted;
    private OodCalibration? _working;
    private double[] _residuals = new double[5];
    private long[] _features;
    private double[] _parts = [];
    private Dictionary<string, float[]> _scores = [];

    /// <param name="read">Rows by their indices, (rows, ...input) on the model's device.</param>
    /// <param name="chains">Whether scores of chains are calibrated, too.</param>
    /// <param name="labels">Classes of rows, for the temperature of the logits; null where they are not known.</param>
    public OodCalibrator(
        IEnergyModel model, ModelDescriptor descriptor, CalibrationSplit split, Func<int[], Tensor> read, bool chains, Func<int[], int[]?>? labels = null)
    {
        (_model, _descriptor, _split, _read, _chains, _labels) = (model, descriptor, split, read, chains, labels);
        // By the upper half of a float's bits: the 90 % quantile to within a percent, whatever the features' size.
        _features = model is IReadout ? new long[1 << 16] : [];
    }

    /// <value>Tiles done.</value>
    public int Step { get; private set; }

    public int Steps => 2 * FitTiles + Tiles(_split.Reference) + Tiles(_split.Calibration);

    private int FitTiles => Tiles(_split.Fit);

    public static int StepsOf(int rows)
    {
        CalibrationSplit split = CalibrationSplit.Draw(rows, 0);
        return 2 * Tiles(split.Fit) + Tiles(split.Reference) + Tiles(split.Calibration);
    }

    /// <value>1 principal components, 2 Gaussians of classes, 3 reference rows, 4 scores.</value>
    public int Stage => Step < FitTiles ? 1 : Step < 2 * FitTiles ? 2 : Step < 2 * FitTiles + Tiles(_split.Reference) ? 3 : 4;

    /// <value>Rows that have their scores.</value>
    public int Calibrated => Math.Clamp((Step - 2 * FitTiles - Tiles(_split.Reference)) * Tile, 0, _split.Calibration.Length);

    /// <summary>One tile.</summary>
    public void Advance()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int step = Step;
        if (step < FitTiles)
            SumLayers(Read(_split.Fit, step));
        else if ((step -= FitTiles) < FitTiles)
            SumClasses(Read(_split.Fit, step));
        else if ((step -= FitTiles) < Tiles(_split.Reference))
        {
            Tensor x = Read(_split.Reference, step);
            SumParts(x);
            AddLogits(x, TileOf(_split.Reference, step));
        }
        else
        {
            step -= Tiles(_split.Reference);
            Tensor x = Read(_split.Calibration, step);
            ScoreRows(x, step * Tile);
            AddLogits(x, TileOf(_split.Calibration, step));
        }
        Step++;
        Turn();
    }

    /// <summary>What was fitted and the scores: after the last step.</summary>
    public CalibrationContent Result()
    {
        var content = new CalibrationContent(_scores, _referenceDensities.Average()) { Fitted = _fitted };
        if (_labels is null)
            return content;
        int classes = _model.Classes, fitted = _split.Reference.Length;
        float[] logits = [.. _logits];
        float? temperature = TemperatureFit.Fit(logits[..(fitted * classes)], [.. _classes[..fitted]], classes);
        return content with
        {
            Temperature = temperature,
            Classification = TemperatureFit.Report(logits[(fitted * classes)..], [.. _classes[fitted..]], classes, temperature ?? 1),
        };
    }

    public Dictionary<string, SafetensorsTensor> Save()
    {
        var tensors = new Dictionary<string, SafetensorsTensor> { ["step"] = SafetensorsTensor.FromInt64([Step], [1]) };
        if (_fitted is null)
        {
            foreach ((int i, LayerMoments moments) in _moments.Index())
                moments.AddTo(tensors, $"moments.{i}.");
            tensors["features"] = SafetensorsTensor.FromInt64(_features, [_features.Length]);
            tensors["residuals"] = SafetensorsTensor.FromDoubles(_residuals, [_residuals.Length]);
            float[] bank = [.. _bank.SelectMany(row => row)];
            tensors["bank"] = SafetensorsTensor.FromFloats(bank, [_bank.Count, _bank.Count == 0 ? 0 : bank.Length / _bank.Count]);
            return tensors;
        }
        _fitted.AddTo(tensors);
        tensors["parts"] = SafetensorsTensor.FromDoubles(_parts, [_parts.Length]);
        tensors["reference"] = SafetensorsTensor.FromFloats([.. _referenceDensities], [_referenceDensities.Count]);
        tensors["logits"] = SafetensorsTensor.FromFloats([.. _logits], [_logits.Count]);
        tensors["classes"] = SafetensorsTensor.FromInt64([.. _classes.Select(label => (long)label)], [_classes.Count]);
        foreach ((string name, float[] scores) in _scores)
            tensors["score." + name] = SafetensorsTensor.FromFloats(scores, [scores.Length]);
        return tensors;
    }

    /// <exception cref="InvalidCheckpointException">It is not of such a run.</exception>
    public void Restore(SafetensorsFile file)
    {
        Step = (int)file["step"].ToInt64()[0];
        if (Step < 0 || Step > Steps)
            throw new InvalidCheckpointException("the checkpoint has no step of this calibration");
        if (Step < 2 * FitTiles)
        {
            if (Step == 0)
                return;
            using DisposeScope scope = NewDisposeScope();
            MakeMoments(FittedScores.Rows(_model, Read(_split.Fit, 0)), Math.Min(Tile, _split.Fit.Length));
            foreach ((int i, LayerMoments moments) in _moments.Index())
                moments.Restore(file, $"moments.{i}.");
            _features = file["features"].ToInt64();
            _residuals = file["residuals"].ToDoubles();
            float[] bank = file["bank"].ToFloats();
            if (bank.Length > 0)
                _bank.AddRange(bank.Chunk((int)file["bank"].Shape[1]));
            return;
        }
        _parts = file["parts"].ToDoubles();
        _referenceDensities.AddRange(file["reference"].ToFloats());
        _logits.AddRange(file["logits"].ToFloats());
        _classes.AddRange(file["classes"].ToInt64().Select(label => (int)label));
        _fitted = Unread(file);
        foreach (string name in file.Tensors.Keys.Where(name => name.StartsWith("score.", StringComparison.Ordinal)))
            _scores[name["score.".Length..]] = file[name].ToFloats();
        if (Step >= 2 * FitTiles + Tiles(_split.Reference))
            Standardise();
    }

    private static int Tiles(int[] rows) => (rows.Length + Tile - 1) / Tile;

    /// <summary>While the spreads are not known they are stored as none.</summary>
    private static FittedScores Unread(SafetensorsFile file)
    {
        if (file["fit.centres"].Count > 0)
            return FittedScores.Read(file)! with { Centres = [], Spreads = [] };
        int layers = file.Tensors.Keys.Count(name => name.EndsWith(".basis", StringComparison.Ordinal));
        var whole = new Dictionary<string, SafetensorsTensor>(file.Tensors)
        {
            ["fit.centres"] = SafetensorsTensor.FromFloats(new float[layers + 2], [layers + 2]),
            ["fit.spreads"] = SafetensorsTensor.FromFloats([.. Enumerable.Repeat(1f, layers + 2)], [layers + 2]),
        };
        return FittedScores.Read(new SafetensorsFile(whole, file.Metadata))! with { Centres = [], Spreads = [] };
    }

    private static int[] TileOf(int[] rows, int tile) => rows[(tile * Tile)..Math.Min(rows.Length, (tile + 1) * Tile)];

    private Tensor Read(int[] rows, int tile) => _read(TileOf(rows, tile));

    /// <summary>Keeps what the temperature is fitted and judged on.</summary>
    private void AddLogits(Tensor x, int[] rows)
    {
        if (_labels?.Invoke(rows) is not { } labels)
            return;
        _logits.AddRange(_model.Logits(x)!.to(ScalarType.Float32).ToFloats());
        _classes.AddRange(labels);
    }

    private void SumLayers(Tensor x)
    {
        int rows = (int)x.shape[0];
        float[][] layers = FittedScores.Rows(_model, x);
        if (_moments.Length == 0)
            MakeMoments(layers, rows);
        foreach ((LayerMoments moments, float[] values) in _moments.Zip(layers))
            moments.Add(values, rows);
        if (_features.Length > 0)
        {
            foreach (float feature in _model.Features(x)!.ToFloats())
                _features[feature > 0 ? BitConverter.SingleToUInt32Bits(feature) >> 16 : 0]++;
        }
    }

    private void MakeMoments(float[][] layers, int rows) =>
        _moments = [.. layers.Select(values => new LayerMoments(values.Length / rows, _model.Classes))];

    private void SumClasses(Tensor x)
    {
        int rows = (int)x.shape[0];
        int[] labels = FittedScores.Labels(_model, x, rows);
        float[] densities = _model.Energy(x).neg().to(ScalarType.Float32).ToFloats();
        foreach ((int i, float[] values) in FittedScores.Rows(_model, x).Index())
        {
            int length = values.Length / rows;
            for (int row = 0; row < rows; row++)
            {
                LayerPoint point = _moments[i].AddToClass(values.AsSpan(row * length, length), labels[row]);
                if (i < _moments.Length - 1)
                    continue;
                if (_bank.Count < FittedScores.MaxBank)
                    _bank.Add(FittedScores.Unit(point.Components));
                double[] terms = [1, densities[row], (double)densities[row] * densities[row], point.Residual, point.Residual * point.Residual];
                for (int term = 0; term < terms.Length; term++)
                    _residuals[term] += terms[term];
            }
        }
    }

    /// <summary>What happens between the passes.</summary>
    private void Turn()
    {
        if (Step == FitTiles)
        {
            foreach (LayerMoments moments in _moments)
                moments.FindComponents();
        }
        if (Step == 2 * FitTiles)
            Fit();
        if (Step == 2 * FitTiles + Tiles(_split.Reference))
            Standardise();
    }

    private void Fit()
    {
        double density = Spread(_residuals[0], _residuals[1], _residuals[2]), residual = Spread(_residuals[0], _residuals[3], _residuals[4]);
        _fitted = new FittedScores
        {
            Layers = [.. _moments.Select(moments => moments.Fit())],
            Bank = [.. _bank.SelectMany(row => row)],
            ResidualScale = residual > 1e-12 ? (float)(density / residual) : 0,
            Clip = _features.Length > 0 ? Quantile() : null,
        };
        _parts = new double[1 + 2 * (_fitted.Layers.Count + 2)];
        _moments = [];
        _bank.Clear();
    }

    private float Quantile()
    {
        long below = 0, wanted = _features.Sum() * 9 / 10;
        for (int i = 0; i < _features.Length; i++)
        {
            below += _features[i];
            if (below >= wanted)
                return Math.Min(BitConverter.UInt32BitsToSingle((uint)(i + 1) << 16), float.MaxValue);
        }
        return float.MaxValue;
    }

    private void SumParts(Tensor x)
    {
        float[] densities = _model.Energy(x).neg().to(ScalarType.Float32).ToFloats();
        _referenceDensities.AddRange(densities);
        foreach (double[] parts in _fitted!.PartsOf(_model, x, densities))
        {
            _parts[0]++;
            for (int i = 0; i < parts.Length; i++)
            {
                _parts[1 + 2 * i] += parts[i];
                _parts[2 + 2 * i] += parts[i] * parts[i];
            }
        }
    }

    private void Standardise()
    {
        int count = (_parts.Length - 1) / 2;
        _fitted = _fitted! with
        {
            Centres = [.. Enumerable.Range(0, count).Select(i => (float)(_parts[1 + 2 * i] / _parts[0]))],
            // Of a part without spread, such as the residual of a layer that is all components, any will do.
            Spreads = [.. Enumerable.Range(0, count).Select(i => (float)Math.Max(1e-6, Spread(_parts[0], _parts[1 + 2 * i], _parts[2 + 2 * i])))],
        };
        _working = new OodCalibration("", new Dictionary<string, float[]>(), _referenceDensities.Average()) { Fitted = _fitted };
        foreach (string name in OodPass.Names(_model, _working, _chains))
            _scores.TryAdd(name, new float[_split.Calibration.Length]);
    }

    private void ScoreRows(Tensor x, int first)
    {
        foreach ((string name, float[] values) in OodPass.Score(_model, _descriptor, x, _working, _chains))
            values.CopyTo(_scores[name], first);
    }

    private static double Spread(double count, double sum, double squares) =>
        Math.Sqrt(Math.Max(0, squares / count - sum / count * (sum / count)));
}
