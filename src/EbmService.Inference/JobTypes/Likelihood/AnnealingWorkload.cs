using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Likelihood;
using EbmService.Core.Models;
using EbmService.Inference.Annealing;
using EbmService.Inference.Buffers;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>
/// One block of chains along the ladder. Steps: the pilot, where there is one; transitions at the model's own temperature, of chains that begin there; then one for each
/// bridge: weigh, and move but at the end. So reverse chains that begin at samples are the forward process turned around, exactly.
/// </summary>
internal sealed class AnnealingWorkload : IWorkload
{
    /// <summary>Draws of each reverse chain that its convergence is judged by, about.</summary>
    private const int StartDraws = 50;

    private readonly LikelihoodSpec _spec;
    private readonly BlockPlan _block;
    private readonly LiveModel _model;
    private readonly Device _device;
    private readonly LikelihoodRows _rows;
    private readonly LikelihoodPart _part;
    private readonly int _first, _pilotSteps, _startSteps;
    private readonly Generator _generator;
    private readonly AnnealedWalk _walk;
    private AnnealingPilot? _pilot;
    private IReadOnlyList<PilotKnot> _knots = [];
    private AnnealingLadder? _ladder;
    private double[] _densities = [];
    private List<double> _startDraws = [];
    private double? _exactLogZ;
    private int _step, _moves;
    private bool _isWeighed;

    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public AnnealingWorkload(
        LikelihoodSpec spec, BlockPlan block, LiveModel model, Device device, LikelihoodRows rows, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block, _model, _device, _rows) = (spec, block, model, device, rows);
        (_part, _first) = LikelihoodPlan.PartOf(spec, block);
        (_pilotSteps, _startSteps) = (spec.NeedsPilot ? 1 : 0, LikelihoodPlan.StartSteps(spec, _part));
        _generator = new Generator(BlockSeed.Derive(spec.Seed, block.Index), device);
        _walk = AnnealedWalk.Create(spec, model, device, block.Count);
        try
        {
            SafetensorsFile? file = checkpoint is { } bytes ? SafetensorsFile.Read(bytes) : null;
            _step = file is null ? 0 : Number(file, "step", block.Steps);
            if (_step < _pilotSteps)
            {
                var stream = new Generator(BlockSeed.Derive(spec.Seed, AnnealingPilot.Stream), device);
                _pilot = new AnnealingPilot(AnnealedWalk.Create(spec, model, device, spec.PilotChains), stream, spec.StepSize);
            }
            if (file is not null)
                Restore(file);
            else if (_pilotSteps == 0)
                Begin([new PilotKnot(0, 0, spec.StepSize ?? 0, 1), new PilotKnot(1, 1, spec.StepSize ?? 0, 1)]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public StepReport Advance(QuantumBudget budget)
    {
        using IDisposable noGradient = no_grad();
        int limit = Math.Min(_block.Steps, budget.StepLimit);
        Func<bool> isSpent = () => budget.IsSpent;
        while (_step < limit)
        {
            if (!TryStep(isSpent))
                break;
            (_step, _moves, _isWeighed) = (_step + 1, 0, false);
            if (budget.IsSpent)
                break;
        }
        return Report();
    }

    public byte[] Save()
    {
        using DisposeScope scope = NewDisposeScope();
        var tensors = new Dictionary<string, SafetensorsTensor> { ["generator"] = _generator.get_state().ToSafetensors() };
        var metadata = new Dictionary<string, string>
        {
            ["step"] = Text(_step), ["moves"] = Text(_moves), ["weighed"] = Text(_isWeighed ? 1 : 0),
        };
        _pilot?.Save(tensors, metadata);
        if (_pilot is null)
        {
            foreach ((string name, Tensor tensor) in _walk.Tensors)
                tensors["walk." + name] = tensor.ToSafetensors();
            if (_walk.Open is { } open)
                (metadata["phase"], metadata["passRow"]) = (Text(open.Phase), Text(open.PassRow));
            AddFound(tensors);
        }
        return SafetensorsFile.Write(tensors, metadata);
    }

    public byte[] Finish()
    {
        var tensors = new Dictionary<string, SafetensorsTensor> { [LikelihoodResults.Weights] = _walk.LogWeights.ToSafetensors() };
        if (_pilot is null)
            AddFound(tensors);
        tensors[LikelihoodResults.Numbers] = SafetensorsTensor.FromDoubles([_step, _walk.LogZOfBase, _walk.Frozen, _walk.Acceptance ?? double.NaN], [4]);
        return SafetensorsFile.Write(tensors);
    }

    public void Dispose()
    {
        _pilot?.Dispose();
        _walk.Dispose();
        _generator.Dispose();
    }

    /// <summary>Goes on with the open step, or begins one.</summary>
    /// <returns>Whether it is complete.</returns>
    private bool TryStep(Func<bool> isSpent)
    {
        if (_pilot is { } pilot)
        {
            if (!pilot.Advance(isSpent))
                return false;
            Begin(pilot.Knots);
            pilot.Dispose();
            _pilot = null;
            return true;
        }
        AnnealingLadder ladder = _ladder!;
        bool backwards = _part != LikelihoodPart.Forward;
        int bridge = _step - _pilotSteps - _startSteps + 1;
        if (bridge <= 0)
        {
            if (!_walk.TryMove(1, ladder.StepSizes[^1], backwards, _generator, isSpent))
                return false;
            RecordStart();
            return true;
        }
        int from = backwards ? ladder.Bridges - bridge + 1 : bridge - 1, to = backwards ? from - 1 : bridge;
        (double beta, double stepSize) = (ladder.Betas[to], ladder.StepSizes[to]);
        if (bridge == ladder.Bridges)
        {
            _walk.Weigh(ladder.Betas[from], beta, _walk.LogWeights);
            return true;
        }
        while (_moves < _spec.Transitions)
        {
            bool isMoved = _isWeighed
                ? _walk.TryMove(beta, stepSize, backwards, _generator, isSpent)
                : _walk.WeighAndMove(ladder.Betas[from], beta, stepSize, backwards, _generator, isSpent);
            _isWeighed = true;
            if (!isMoved)
                return false;
            if (++_moves < _spec.Transitions && isSpent())
                return false;
        }
        return true;
    }

    /// <summary>Where reverse chains are on their way to be samples, as log f_1 / f_0, some of its second half.</summary>
    private void RecordStart()
    {
        int done = _step - _pilotSteps + 1, half = _startSteps / 2;
        int every = Math.Max(1, (_startSteps - half) / StartDraws);
        if (_part != LikelihoodPart.Reverse || done <= half || (_startSteps - done) % every != 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        _startDraws.AddRange(_walk.LogRatioOfModel().cpu().data<double>().ToArray());
    }

    /// <summary>With the ladder known, puts the chains where they begin.</summary>
    private void Begin(IReadOnlyList<PilotKnot> knots)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SetLadder(knots);
        switch (_part)
        {
            case LikelihoodPart.Raise:
                Tensor rows = _rows.ToTensor(RowsOfChains());
                _densities = _rows.LogDensity(rows).data<double>().ToArray();
                _walk.Start(rows);
                break;
            case LikelihoodPart.Reverse when _spec.ReverseStart == LikelihoodStart.Exact:
                InputSchema input = _model.Descriptor.Input;
                var states = new ListedStates(_model.Energy, input, LikelihoodRules.ListedStates(input)!.Value, _spec.Temperature, _device);
                _exactLogZ = states.LogZ;
                _walk.Start(states.Draw(_block.Count, _generator));
                break;
            case LikelihoodPart.Reverse when _spec.ReverseStart == LikelihoodStart.Buffer:
                ReplayBuffer buffer = _model.Buffer!;
                _walk.Start(buffer.States.index_select(
                    0, randint(buffer.Size, [_block.Count], dtype: ScalarType.Int64, generator: _generator, device: _device)));
                break;
            default:
                _walk.StartFromBase(_generator);
                break;
        }
    }

    private void SetLadder(IReadOnlyList<PilotKnot> knots)
    {
        _knots = knots;
        _ladder = AnnealingLadder.Create(knots, _spec.Bridges, _spec.Ladder);
    }

    /// <summary>The row of each chain; chains of a row are next to each other.</summary>
    private float[] RowsOfChains()
    {
        int chains = _spec.Raise!.Chains, first = _first / chains, last = (_first + _block.Count - 1) / chains, length = _rows.Length;
        float[] rows = _rows.Read(first, last - first + 1), values = new float[_block.Count * length];
        for (int chain = 0; chain < _block.Count; chain++)
            rows.AsSpan(((_first + chain) / chains - first) * length, length).CopyTo(values.AsSpan(chain * length));
        return values;
    }

    private StepReport Report()
    {
        bool done = _step == _block.Steps;
        int bridge = Math.Max(0, _step - _pilotSteps - _startSteps);
        bool backwards = _part != LikelihoodPart.Forward;
        var metrics = new Dictionary<string, double>
        {
            [LikelihoodJob.AnnealingChains] = _block.Count,
            [LikelihoodJob.Beta] = _ladder?.Betas[backwards ? _ladder.Bridges - bridge : bridge] ?? (backwards ? 1 : 0),
        };
        if (_pilot is null && _walk.Acceptance is { } acceptance)
            metrics[LikelihoodJob.Acceptance] = acceptance;
        return new StepReport(_step, done)
        {
            Metrics = metrics,
            Statistics = done ? LikelihoodJobType.WriteWeights(_walk.LogZOfBase, _walk.LogWeights.data<double>().ToArray()) : null,
        };
    }

    /// <summary>What the block found out before its bridges.</summary>
    private void AddFound(Dictionary<string, SafetensorsTensor> tensors)
    {
        tensors[LikelihoodResults.Knots] = SafetensorsTensor.FromDoubles(
            [.. _knots.SelectMany(knot => new[] { knot.Beta, knot.Length, knot.StepSize, knot.Acceptance })], [_knots.Count, 4]);
        tensors[LikelihoodResults.Densities] = SafetensorsTensor.FromDoubles(_densities, [_densities.Length]);
        tensors[LikelihoodResults.StartDraws] = SafetensorsTensor.FromDoubles([.. _startDraws], [_startDraws.Count / _block.Count, _block.Count]);
        if (_exactLogZ is { } exact)
            tensors[LikelihoodResults.ExactLogZ] = SafetensorsTensor.FromDoubles([exact], [1]);
    }

    private void Restore(SafetensorsFile file)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _generator.set_state(file["generator"].ToTensor());
        (_moves, _isWeighed) = (Number(file, "moves", _spec.Transitions), Number(file, "weighed", 1) == 1);
        if (_pilot is { } pilot)
        {
            pilot.Restore(file);
            return;
        }
        SetLadder([.. file[LikelihoodResults.Knots].ToDoubles().Chunk(4).Select(knot => new PilotKnot(knot[0], knot[1], knot[2], knot[3]))]);
        _densities = file[LikelihoodResults.Densities].ToDoubles();
        _startDraws = [.. file[LikelihoodResults.StartDraws].ToDoubles()];
        _exactLogZ = file.Tensors.ContainsKey(LikelihoodResults.ExactLogZ) ? file[LikelihoodResults.ExactLogZ].ToDoubles()[0] : null;
        bool isOpen = file.Metadata.ContainsKey("phase");
        _walk.Reopen(isOpen ? (Number(file, "phase", int.MaxValue), Number(file, "passRow", int.MaxValue), BetaOfStep()) : null);
        foreach ((string name, Tensor tensor) in _walk.Tensors)
        {
            SafetensorsTensor stored = file["walk." + name];
            if (!stored.Shape.SequenceEqual(tensor.shape))
                throw new InvalidCheckpointException("the checkpoint is not of this block");
            tensor.copy_(stored.ToTensor());
        }
    }

    /// <summary>Where the open transition of the current step is.</summary>
    private double BetaOfStep()
    {
        int bridge = _step - _pilotSteps - _startSteps + 1;
        if (bridge <= 0)
            return 1;
        return _ladder!.Betas[_part == LikelihoodPart.Forward ? bridge : _ladder.Bridges - bridge];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(SafetensorsFile file, string name, int most) =>
        int.TryParse(file.Metadata.GetValueOrDefault(name), CultureInfo.InvariantCulture, out int number) && number >= 0 && number <= most
            ? number : throw new InvalidCheckpointException($"the checkpoint has no {name} of this block");
}
