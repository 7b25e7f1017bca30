using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Queries;

/// <summary>One pass over the rows of several queries of the same kind; its arrays hold one entry (or row) per input.</summary>
/// <param name="calibration">The one that the queries mean; null where there is none.</param>
internal sealed class QueryPass(LiveModel model, ModelQuery query, OodCalibration? calibration)
{
    private const int TileRows = ModelQuery.TileRows;
    private readonly List<TensorPayload> _inputs = [];
    private int _rows;

    public float[] Energies { get; private set; } = [];

    /// <value>Gradients (rows, input) or probabilities (rows, classes), as the kind asks.</value>
    public float[] Details { get; private set; } = [];

    /// <value>One array per score of <see cref="OodPass.Names"/>.</value>
    public Dictionary<string, float[]> Scores { get; private set; } = [];

    public OodCalibration? Calibration => calibration;

    private bool NeedsScores => query.Kind == QueryKind.OutOfDistribution || query.AbstainBelow is not null;

    private bool NeedsChains => OodScorer.Chain.Contains(query.Score);

    private int Length => model.Descriptor.Input.Length();

    public void Add(TensorPayload inputs)
    {
        _inputs.Add(inputs);
        _rows += inputs.Rows;
    }

    public void Run()
    {
        if (CapabilityRules.Refuse(model.Hosted, TaskOf(query.Kind)) is { } refusal)
            throw new FailureException(refusal);
        Allocate();
        float[] rows = Packed();
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int start = 0;
        for (int size = _rows < WideTiles.Rows ? TileRows : model.Tiles.RowsFor(query); start < _rows; size = TileRows)
            start = Run(rows, start, size);
    }

    /// <summary>Rows from <paramref name="start"/> on in tiles of that size, while they fill them; of the usual size also the rest, padded with zeros.</summary>
    /// <returns>The first row that is left.</returns>
    private int Run(float[] rows, int start, int size)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor tile = zeros([size, .. model.Descriptor.Input.Shape.Select(length => (long)length)]);
        for (; start < _rows && (start + size <= _rows || size == TileRows); start += size)
        {
            using DisposeScope tileScope = NewDisposeScope();
            int count = Math.Min(size, _rows - start);
            if (count < size)
                tile.zero_();
            tile.CopyFrom(rows.AsSpan(start * Length, count * Length));
            RunTile(tile.to(model.Device), start, count);
        }
        return start;
    }

    private static ModelTask TaskOf(QueryKind kind) => kind switch
    {
        QueryKind.Classification => ModelTask.Classification,
        QueryKind.OutOfDistribution => ModelTask.OutOfDistribution,
        _ => ModelTask.Energy,
    };

    private void RunTile(Tensor tile, int start, int count)
    {
        switch (query.Kind)
        {
            case QueryKind.Energy when query.Gradients:
                using (enable_grad())
                {
                    (Tensor energy, Tensor gradient) = model.Energy.EnergyAndGradient(tile);
                    Take(energy, Energies, start, count, 1);
                    Take(gradient, Details, start, count, Length);
                }
                break;
            case QueryKind.Energy:
                Take(model.Energy.Energy(tile), Energies, start, count, 1);
                break;
            case QueryKind.Classification:
                Tensor logits = model.Energy.Logits(Refined(tile))!;
                Take(logits.logsumexp(1).neg(), Energies, start, count, 1);
                // At another temperature than 1 all logits are divided by it.
                Tensor scaled = calibration?.Temperature is { } temperature ? logits.div(Kept(temperature)) : logits;
                Take(scaled.softmax(1), Details, start, count, model.Energy.Classes);
                if (NeedsScores)
                    ScoreTile(tile, start, count);
                break;
            default:
                ScoreTile(tile, start, count);
                break;
        }
    }

    private void ScoreTile(Tensor tile, int start, int count)
    {
        foreach ((string name, float[] values) in OodPass.Score(model.Energy, model.Descriptor, tile, calibration, NeedsChains))
            values.AsSpan(0, count).CopyTo(Scores[name].AsSpan(start));
    }

    /// <summary>The inputs after the asked number of noiseless descent steps of the model's own recipe.</summary>
    private Tensor Refined(Tensor tile)
    {
        if (query.RefineSteps == 0)
            return tile;
        return ChainDescent.Descend(model.Energy, model.Descriptor, tile, query.RefineSteps);
    }

    private void Allocate()
    {
        Energies = new float[_rows];
        Details = query.Kind switch
        {
            QueryKind.Energy when query.Gradients => new float[_rows * Length],
            QueryKind.Classification => new float[_rows * model.Energy.Classes],
            _ => [],
        };
        if (NeedsScores)
            Scores = OodPass.Names(model.Energy, calibration, NeedsChains).ToDictionary(name => name, _ => new float[_rows]);
    }

    private float[] Packed()
    {
        if (_inputs.Count == 1)
            return _inputs[0].Values;
        var packed = new float[_rows * Length];
        int at = 0;
        foreach (TensorPayload inputs in _inputs)
        {
            inputs.Values.CopyTo(packed, at);
            at += inputs.Values.Length;
        }
        return packed;
    }

    private static void Take(Tensor from, float[] to, int start, int count, int width) =>
        from.CopyTo(to.AsSpan(start * width, count * width));
}
