using System.Globalization;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>
/// Finds where bridges belong and with what step sizes, by a few chains from the base to the model. From each place it goes as far as the log weights of its chains part by
/// one nat (Jasra et al. 2011 and later, by deviation in place of the effective sample size), draws them anew by their weights and moves them, steering the step
/// size to the kernel's acceptance. What it finds is used for other chains alone, so that those keep their densities exactly. Its own random numbers are of the job's
/// seed: every block finds the same bits.
/// </summary>
internal sealed class AnnealingPilot : IDisposable
{
    /// <summary>The stream of the job's seed that no block has.</summary>
    public const long Stream = -1;

    private const double Deviation = 1;
    private const int MovesPerKnot = 4, FirstMoves = 20, Bisections = 40, MostKnots = 4096;

    /// <summary>Of the step size's logarithm per move, times the acceptance's distance from its target.</summary>
    private const double Gain = 0.7;

    private readonly AnnealedWalk _walk;
    private readonly Generator _generator;
    private readonly double? _fixedStepSize;
    private readonly List<PilotKnot> _knots = [];
    private readonly Tensor _steps;
    private double _stepSize, _next, _length, _acceptance;
    private int _moves;

    /// <param name="walk">The pilot's from now on.</param>
    /// <param name="fixedStepSize">Where it is not the pilot's to find.</param>
    public AnnealingPilot(AnnealedWalk walk, Generator generator, double? fixedStepSize)
    {
        (_walk, _generator, _fixedStepSize) = (walk, generator, fixedStepSize);
        _steps = zeros_like(walk.LogWeights).DetachFromDisposeScope();
        _stepSize = fixedStepSize ?? walk.LargestStepSize / 4;
    }

    /// <value>What was found so far; all of it once <see cref="Advance"/> said so.</value>
    public IReadOnlyList<PilotKnot> Knots => _knots;

    /// <summary>Goes on until it is done or <paramref name="isSpent"/> says so.</summary>
    /// <returns>Whether it is done.</returns>
    public bool Advance(Func<bool> isSpent)
    {
        if (_knots.Count == 0)
        {
            _walk.StartFromBase(_generator);
            _knots.Add(new PilotKnot(0, 0, _stepSize, 1));
            FindNext();
            if (isSpent())
                return false;
        }
        while (_knots[^1].Beta < 1)
        {
            if (!_walk.TryMove(_next, _stepSize, backwards: false, _generator, isSpent))
                return false;
            Steer();
            if (++_moves == (_knots.Count == 1 ? FirstMoves : MovesPerKnot))
                CloseKnot();
            if (_knots[^1].Beta < 1 && isSpent())
                return false;
        }
        return true;
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors, Dictionary<string, string> metadata)
    {
        foreach ((string name, Tensor tensor) in _walk.Tensors)
            tensors["pilot." + name] = tensor.ToSafetensors();
        tensors["pilot.generator"] = _generator.get_state().ToSafetensors();
        tensors["pilot.knots"] = SafetensorsTensor.FromDoubles(
            [.. _knots.SelectMany(knot => new[] { knot.Beta, knot.Length, knot.StepSize, knot.Acceptance })], [_knots.Count, 4]);
        tensors["pilot.numbers"] = SafetensorsTensor.FromDoubles([_stepSize, _next, _length, _acceptance, _moves], [5]);
        if (_walk.Open is { } open)
            metadata["pilot.open"] = string.Create(CultureInfo.InvariantCulture, $"{open.Phase} {open.PassRow}");
    }

    public void Restore(SafetensorsFile file)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double[] knots = file["pilot.knots"].ToDoubles(), numbers = file["pilot.numbers"].ToDoubles();
        _knots.AddRange(knots.Chunk(4).Select(knot => new PilotKnot(knot[0], knot[1], knot[2], knot[3])));
        (_stepSize, _next, _length, _acceptance, _moves) = (numbers[0], numbers[1], numbers[2], numbers[3], (int)numbers[4]);
        string[]? open = file.Metadata.GetValueOrDefault("pilot.open")?.Split(' ');
        _walk.Reopen(open is null ? null : (int.Parse(open[0], CultureInfo.InvariantCulture), int.Parse(open[1], CultureInfo.InvariantCulture), _next));
        foreach ((string name, Tensor tensor) in _walk.Tensors)
            tensor.copy_(file["pilot." + name].ToTensor());
        _generator.set_state(file["pilot.generator"].ToTensor());
    }

    public void Dispose()
    {
        _walk.Dispose();
        _generator.Dispose();
        _steps.Dispose();
    }

    private void CloseKnot()
    {
        _knots.Add(new PilotKnot(_next, _length, _stepSize, _acceptance / _moves));
        (_moves, _acceptance) = (0, 0);
        if (_next < 1)
            FindNext();
    }

    private void Steer()
    {
        if (_walk.Acceptance is not { } acceptance)
        {
            _acceptance++;
            return;
        }
        _acceptance += acceptance;
        if (_fixedStepSize is null)
            _stepSize = Math.Min(_stepSize * Math.Exp(Gain * (acceptance - _walk.TargetAcceptance)), _walk.LargestStepSize);
    }

    /// <summary>The next place, and the chains drawn anew by their weights for it.</summary>
    private void FindNext()
    {
        double from = _knots[^1].Beta;
        (double low, double high) = (from, 1);
        double length = DeviationTo(from, 1);
        if (length > Deviation && _knots.Count < MostKnots)
        {
            // The deviation may be of any size near the base: halves of the logarithm would not do, halves of the interval find the last digits.
            for (int i = 0; i < Bisections; i++)
            {
                double middle = (low + high) / 2;
                if (DeviationTo(from, middle) > Deviation)
                    high = middle;
                else
                    low = middle;
            }
            length = DeviationTo(from, high);
        }
        (_next, _length) = (high, Math.Max(length, 1e-6));
        Redraw();
    }

    private double DeviationTo(double from, double to)
    {
        using DisposeScope scope = NewDisposeScope();
        _steps.zero_();
        _walk.Weigh(from, to, _steps);
        double deviation = _steps.std(unbiased: true).ToDouble();
        return double.IsFinite(deviation) ? deviation : double.PositiveInfinity;
    }

    /// <summary>By the weights that are in the steps; one uniform number for all (Kitagawa 1996).</summary>
    private void Redraw()
    {
        using DisposeScope scope = NewDisposeScope();
        double[] logs = _steps.data<double>().ToArray();
        double top = logs.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double[] weights = [.. logs.Select(log => double.IsFinite(log) ? Math.Exp(log - top) : 0)];
        double total = weights.Sum(), point = rand([1], dtype: ScalarType.Float64, generator: _generator, device: _steps.device).ToDouble(), sum = 0;
        if (total <= 0)
            return;
        var picks = new long[logs.Length];
        for (int i = 0, from = 0; i < picks.Length; i++)
        {
            double target = (point + i) / picks.Length * total;
            while (from < picks.Length - 1 && sum + weights[from] <= target)
                sum += weights[from++];
            picks[i] = from;
        }
        _walk.Resample(tensor(picks, device: _steps.device));
    }
}
