using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Likelihood;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>Unnormalised log-densities of a block of rows, a padded tile a step, read when its turn comes.</summary>
internal sealed class RowsWorkload : IWorkload
{
    public const string Densities = "logDensity";

    private readonly BlockPlan _block;
    private readonly LikelihoodRows _rows;
    private readonly int _first;
    private readonly double[] _densities;
    private int _step;

    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public RowsWorkload(LikelihoodSpec spec, BlockPlan block, LikelihoodRows rows, ReadOnlyMemory<byte>? checkpoint)
    {
        (_block, _rows) = (block, rows);
        _first = LikelihoodPlan.PartOf(spec, block).First;
        _densities = new double[block.Count];
        if (checkpoint is not { } bytes)
            return;
        SafetensorsFile file = SafetensorsFile.Read(bytes);
        double[] stored = file[Densities].ToDoubles();
        if (!int.TryParse(file.Metadata.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out _step) || stored.Length != Done)
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        stored.CopyTo(_densities, 0);
    }

    private int Done => Math.Min(_block.Count, _step * LikelihoodJob.TileRows);

    public StepReport Advance(QuantumBudget budget)
    {
        int limit = Math.Min(_block.Steps, budget.StepLimit);
        while (_step < limit)
        {
            ScoreTile(Done);
            _step++;
            if (budget.IsSpent)
                break;
        }
        double[] finite = [.. _densities.Take(Done).Where(double.IsFinite)];
        var metrics = new Dictionary<string, double> { [LikelihoodJob.RowsScored] = finite.Length };
        if (finite.Length > 0)
            metrics[LikelihoodJob.LogDensityMean] = finite.Average();
        return new StepReport(_step, _step == _block.Steps) { Metrics = metrics };
    }

    public byte[] Save() => Finish();

    public byte[] Finish() => SafetensorsFile.Write(
        new Dictionary<string, SafetensorsTensor>
        {
            [Densities] = SafetensorsTensor.FromDoubles(_densities.AsSpan(0, Done), [Done]),
            [LikelihoodResults.Numbers] = SafetensorsTensor.FromDoubles([_rows.Length, _rows.Range], [2]),
        },
        new Dictionary<string, string> { ["step"] = _step.ToString(CultureInfo.InvariantCulture) });

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    private void ScoreTile(int first)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = Math.Min(LikelihoodJob.TileRows, _block.Count - first);
        var padded = new float[LikelihoodJob.TileRows * _rows.Length];
        _rows.Read(_first + first, count).CopyTo(padded, 0);
        using Tensor densities = _rows.LogDensity(_rows.ToTensor(padded)).cpu();
        densities.data<double>().ToArray().AsSpan(0, count).CopyTo(_densities.AsSpan(first));
    }
}
