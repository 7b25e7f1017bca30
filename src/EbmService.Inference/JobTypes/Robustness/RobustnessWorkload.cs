using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>
/// Attacks the rows of one block, one curve after the other. A tile has so many rows in flight, each at its own radius, run and step; where one is fooled or has withstood
/// everything, the next takes its place. Rows don't influence one another at a fixed shape and draw from generators of their own, so their numbers are the same in
/// any block. A step is a row that has ended; within it the block can be left after every pass of a tile, and saved there.
/// </summary>
internal sealed class RobustnessWorkload : IWorkload
{
    /// <summary>Rows of a block whose originals go with the result, for pictures.</summary>
    public const int Examples = 64;

    private const int Tile = RobustnessJob.TileRows;
    private const long StartStream = 1L << 30;

    private readonly RobustnessSpec _spec;
    private readonly BlockPlan _block;
    private readonly IEnergyModel _target;
    private readonly IEnergyModel? _source;
    private readonly RefinedClassifier? _refined;
    private readonly Device _device;
    private readonly long[] _shape;
    private readonly float[] _rows;
    private readonly int[] _labels;
    private readonly int _length;
    private readonly double _scale;
    private readonly AttackBall _ball;
    private readonly AttackLane[] _lanes;
    private readonly AttackRecord[] _records;
    private readonly TileSums _sums;
    private int _curve;
    private int _next;
    private int _chain;
    private long _gradients;

    /// <param name="target">Whose classifier is judged.</param>
    /// <param name="source">That examples are made on; null where none are.</param>
    /// <param name="rows">The block's rows, (count, input), within the range.</param>
    /// <param name="labels">Their classes, each a class of the models.</param>
    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public RobustnessWorkload(
        RobustnessSpec spec, BlockPlan block, IEnergyModel target, IEnergyModel? source, InputSchema input, Device device, float[] rows, int[] labels,
        ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _target, _source, _device, _rows, _labels) = (spec, block, target, source, device, rows, labels);
        (_length, _scale) = (input.Length(), input.Max - input.Min);
        _shape = [Tile, .. input.Shape.Select(size => (long)size)];
        _ball = new AttackBall(spec.Norm, input);
        _refined = spec.Refinement is { } refinement ? new RefinedClassifier(target, refinement) : null;
        _lanes = [.. Enumerable.Range(0, Tile).Select(_ => new AttackLane(_length))];
        _records = [.. spec.Curves.Select(_ => new AttackRecord(block.Count, _length))];
        _sums = new TileSums(target.Classes, _length);
        if (checkpoint is { } bytes)
            Restore(SafetensorsFile.Read(bytes));
    }

    private AttackCurve Curve => _spec.Curves[_curve];

    /// <value>Whether what the attack sees of the classifier is its answer.</value>
    private bool JudgesItself => Curve is AttackCurve.Direct or AttackCurve.Source;

    private int Step => _records.Sum(record => record.FooledAt.Count(at => at != AttackRecord.NotReached));

    private int Chains => Curve == AttackCurve.Refined ? _spec.Refinement!.Chains : 1;

    public StepReport Advance(QuantumBudget budget)
    {
        int limit = Math.Min(_block.Steps, budget.StepLimit), step = Step;
        while (step < limit)
        {
            Pass();
            step = Step;
            if (budget.IsSpent)
                break;
        }
        return new StepReport(step, step == _block.Steps) { Metrics = Metrics() };
    }

    public byte[] Save()
    {
        Dictionary<string, SafetensorsTensor> tensors = Outcome();
        tensors["lanes"] = SafetensorsTensor.FromInt64([.. _lanes.SelectMany(lane => lane.Save())], [Tile, AttackLane.Numbers]);
        tensors["losses"] = SafetensorsTensor.FromDoubles([.. _lanes.Select(lane => lane.BestLoss)], [Tile]);
        tensors["points"] = SafetensorsTensor.FromFloats([.. _lanes.SelectMany(lane => lane.Point)], [Tile, _length]);
        tensors["best"] = SafetensorsTensor.FromFloats([.. _lanes.SelectMany(lane => lane.Best)], [Tile, _length]);
        tensors["place"] = SafetensorsTensor.FromInt64([_curve, _next, _chain], [3]);
        _sums.Save(tensors);
        return Write(tensors);
    }

    public byte[] Finish() => Write(Outcome());

    public void Dispose()
    {
        // Holds no tensors between passes.
    }

    private Dictionary<string, SafetensorsTensor> Outcome()
    {
        int kept = Math.Min(Examples, _block.Count);
        var tensors = new Dictionary<string, SafetensorsTensor>
        {
            ["labels"] = SafetensorsTensor.FromInt64([.. _labels.Select(label => (long)label)], [_block.Count]),
            ["originals"] = SafetensorsTensor.FromFloats(_rows.AsSpan(0, kept * _length), [kept, _length]),
        };
        foreach ((AttackCurve curve, AttackRecord record) in _spec.Curves.Zip(_records))
            record.Save(curve, tensors);
        return tensors;
    }

    private byte[] Write(Dictionary<string, SafetensorsTensor> tensors) => SafetensorsFile.Write(
        tensors, new Dictionary<string, string> { ["gradients"] = _gradients.ToString(CultureInfo.InvariantCulture) });

    /// <summary>Takes one gradient for all rows of the tile, of one chain where inputs are refined, and moves the rows on after the last.</summary>
    private void Pass()
    {
        if (_chain == 0)
            Fill();
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Points(), labels = tensor([.. _lanes.Select(lane => lane.Phase == LanePhase.Idle ? 0L : _labels[lane.Row])]).to(_device);
        IEnergyModel attacked = Curve is AttackCurve.Source or AttackCurve.Transfer ? _source! : _target;
        (Tensor logits, Tensor gradient) = Curve == AttackCurve.Refined
            ? _refined!.Differentiate(x, Noise(), labels)
            : attacked.CrossEntropyGradient(x, labels);
        _sums.Add(logits, gradient, labels, isFirst: _chain == 0);
        _gradients += _lanes.Count(lane => lane.Phase != LanePhase.Idle) * GradientsOfAPass();
        if (++_chain < Chains)
            return;
        _chain = 0;
        bool judges = Curve == AttackCurve.Transfer && _lanes.Any(lane => lane.Phase is LanePhase.Clean or LanePhase.Judge);
        double[]? judged = judges ? _target.Logits(x)!.cpu().data<double>().ToArray() : null;
        foreach ((int i, AttackLane lane) in _lanes.Index())
            Resolve(i, lane, judged);
    }

    private int GradientsOfAPass() => Curve != AttackCurve.Refined ? 1
        : 1 + _spec.Refinement!.Chain.Steps * (_spec.Refinement.Gradient == RefinementGradient.ThroughChain ? 3 : 1);

    /// <summary>The next rows take the free places; where there are none of either, the next curve begins.</summary>
    private void Fill()
    {
        while (_next == _block.Count && _lanes.All(lane => lane.Phase == LanePhase.Idle))
            (_curve, _next) = (_curve + 1, 0);
        foreach (AttackLane lane in _lanes)
        {
            if (lane.Phase != LanePhase.Idle || _next == _block.Count)
                continue;
            (lane.Phase, lane.Row, lane.Draws, lane.JudgesBest) = (LanePhase.Clean, _next++, 0, false);
            Row(lane).CopyTo(lane.Point);
        }
    }

    private Tensor Points()
    {
        var values = new float[Tile * _length];
        foreach ((int i, AttackLane lane) in _lanes.Index())
        {
            if (lane.Phase != LanePhase.Idle)
                lane.Asked.CopyTo(values, i * _length);
        }
        return tensor(values, _shape).to(_device);
    }

    /// <summary>Standard normal, (steps, tile, ...): the judge's is the same at every question about a row, the attacker's never is.</summary>
    private Tensor Noise()
    {
        int steps = _spec.Refinement!.Chain.Steps;
        Tensor noise = zeros(steps, Tile, _length);
        foreach ((int i, AttackLane lane) in _lanes.Index())
        {
            if (lane.Phase == LanePhase.Idle)
                continue;
            long draw = lane.Phase == LanePhase.Attack ? lane.Draws + 1 : 0;
            using var generator = new Generator(Seed(lane, draw * RobustnessAcceptance.MaxChains + _chain));
            noise.select(1, i).copy_(empty([steps, _length]).normal_(0, 1, generator));
        }
        return noise.view([steps, .. _shape]).to(_device);
    }

    private ulong Seed(AttackLane lane, long stream) => BlockSeed.Derive(
        (long)BlockSeed.Derive(_spec.Seed, ((long)_block.Offset + lane.Row) * 4 + (long)Curve), stream);

    private void Resolve(int place, AttackLane lane, double[]? judged)
    {
        if (lane.Phase == LanePhase.Idle)
            return;
        int label = _labels[lane.Row], predicted = judged is null || lane.Phase == LanePhase.Attack ? _sums.Predicted(place) : TileSums.Largest(judged.AsSpan(place * _target.Classes, _target.Classes));
        bool isWrong = predicted != label;
        switch (lane.Phase)
        {
            case LanePhase.Clean:
                _records[_curve].Clean[lane.Row] = predicted;
                if (isWrong)
                    End(lane, AttackRecord.CleanWrong, predicted, lane.Point);
                else
                    Begin(lane, radius: 0, restart: 0);
                break;
            case LanePhase.Judge when isWrong:
                End(lane, lane.Radius, predicted, lane.Asked);
                break;
            case LanePhase.Judge when lane.JudgesBest:
                BeginNext(lane, predicted);
                break;
            case LanePhase.Judge:
                (lane.Phase, lane.WasJudged) = (LanePhase.Attack, true);
                break;
            default:
                Move(place, lane, predicted);
                break;
        }
    }

    /// <summary>What a gradient at a point of a run leads to.</summary>
    private void Move(int place, AttackLane lane, int predicted)
    {
        lane.Draws++;
        bool isWrong = predicted != _labels[lane.Row];
        if (isWrong && JudgesItself)
        {
            End(lane, lane.Radius, predicted, lane.Point);
            return;
        }
        if (_sums.Loss(place) > lane.BestLoss)
        {
            lane.BestLoss = _sums.Loss(place);
            lane.Point.CopyTo(lane.Best, 0);
        }
        if (isWrong && Curve == AttackCurve.Refined && !lane.WasJudged && lane.Iteration < _spec.Steps)
        {
            (lane.Phase, lane.JudgesBest) = (LanePhase.Judge, false);
            return;
        }
        lane.WasJudged = false;
        if (lane.Iteration < _spec.Steps)
        {
            double radius = Radius(lane);
            _ball.Step(Row(lane), radius, radius * _spec.StepSize, _sums.Gradient(place), lane.Point);
            lane.Iteration++;
        }
        else if (JudgesItself)
        {
            BeginNext(lane, predicted);
        }
        else
        {
            (lane.Phase, lane.JudgesBest) = (LanePhase.Judge, true);
        }
    }

    private void BeginNext(AttackLane lane, int predicted)
    {
        if (lane.Restart + 1 < _spec.Restarts)
            Begin(lane, lane.Radius, lane.Restart + 1);
        else if (lane.Radius + 1 < _spec.Radii.Count)
            Begin(lane, lane.Radius + 1, restart: 0);
        else
            End(lane, _spec.Radii.Count, predicted, lane.Best);
    }

    private void Begin(AttackLane lane, int radius, int restart)
    {
        (lane.Phase, lane.Radius, lane.Restart, lane.Iteration) = (LanePhase.Attack, radius, restart, 0);
        (lane.BestLoss, lane.WasJudged, lane.JudgesBest) = (double.NegativeInfinity, false, false);
        Row(lane).CopyTo(lane.Point);
        Row(lane).CopyTo(lane.Best);
        if (!_spec.RandomStart)
            return;
        using var generator = new Generator(Seed(lane, StartStream + radius * RobustnessAcceptance.MaxRestarts + restart));
        _ball.Start(Row(lane), Radius(lane), generator, lane.Point);
    }

    private void End(AttackLane lane, int fooledAt, int predicted, float[] point)
    {
        AttackRecord record = _records[_curve];
        (record.FooledAt[lane.Row], record.Attacked[lane.Row]) = (fooledAt, predicted);
        record.Distances[lane.Row] = _ball.Distance(Row(lane), point);
        point.CopyTo(record.PointOf(lane.Row));
        lane.Phase = LanePhase.Idle;
    }

    private double Radius(AttackLane lane) => _spec.Radii[lane.Radius] * _scale;

    private ReadOnlySpan<float> Row(AttackLane lane) => _rows.AsSpan(lane.Row * _length, _length);

    private Dictionary<string, double> Metrics()
    {
        long[] ended = [.. _records[0].FooledAt.Where(at => at != AttackRecord.NotReached)];
        var metrics = new Dictionary<string, double> { [RobustnessJob.RowsDone] = ended.Length, [RobustnessJob.Gradients] = _gradients };
        if (ended.Length > 0)
        {
            metrics[RobustnessJob.AccuracyClean] = ended.Count(at => at != AttackRecord.CleanWrong) / (double)ended.Length;
            metrics[RobustnessJob.AccuracyAttacked] = ended.Count(at => at == _spec.Radii.Count) / (double)ended.Length;
        }
        return metrics;
    }

    private void Restore(SafetensorsFile file)
    {
        foreach ((int i, AttackCurve curve) in _spec.Curves.Index())
            _records[i] = AttackRecord.Read(curve, file, _block.Count, _length);
        long[] lanes = file["lanes"].ToInt64(), place = file["place"].ToInt64();
        double[] losses = file["losses"].ToDoubles();
        float[] points = file["points"].ToFloats(), best = file["best"].ToFloats();
        if (lanes.Length != Tile * AttackLane.Numbers || points.Length != Tile * _length || best.Length != points.Length || losses.Length != Tile || place.Length != 3
            || !long.TryParse(file.Metadata.GetValueOrDefault("gradients"), CultureInfo.InvariantCulture, out _gradients))
            throw new InvalidCheckpointException("the checkpoint is not of this block");
        foreach ((int i, AttackLane lane) in _lanes.Index())
        {
            lane.Restore(lanes.AsSpan(i * AttackLane.Numbers, AttackLane.Numbers));
            lane.BestLoss = losses[i];
            points.AsSpan(i * _length, _length).CopyTo(lane.Point);
            best.AsSpan(i * _length, _length).CopyTo(lane.Best);
        }
        (_curve, _next, _chain) = ((int)place[0], (int)place[1], (int)place[2]);
        _sums.Restore(file);
    }
}
