using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>All states of a model of few discrete variables with their probabilities: log Z and independent samples, exactly.</summary>
internal sealed class ListedStates
{
    private const int Tile = 4096;

    private readonly InputSchema _input;
    private readonly Device _device;
    private readonly double[] _cumulated;

    /// <param name="states">How many there are: <see cref="Core.Likelihood.LikelihoodRules.ListedStates"/>.</param>
    public ListedStates(IEnergyModel model, InputSchema input, int states, double temperature, Device device)
    {
        using IDisposable noGradient = no_grad();
        (_input, _device) = (input, device);
        var logs = new double[states];
        for (int first = 0; first < states; first += Tile)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Tile, states - first);
            Tensor x = Rows([.. Enumerable.Range(first, count)]);
            Tensor density = model is IBlockConditionals conditionals
                ? conditionals.LogDensity(x, full([count], Kept(1 / temperature), dtype: ScalarType.Float64, device: device), null)
                : model.Energy(x).neg().div(Kept(temperature));
            density.data<double>().CopyTo(logs, first, 0);
        }
        double top = logs.Max(), sum = 0;
        _cumulated = [.. logs.Select(log => sum += Math.Exp(log - top))];
        LogZ = top + Math.Log(sum);
    }

    public double LogZ { get; }

    /// <summary>(rows, ...input), the caller's.</summary>
    public Tensor Draw(int rows, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] points = rand([rows], dtype: ScalarType.Float64, generator: generator, device: _device).data<double>().ToArray();
        return Rows([.. points.Select(point =>
        {
            int found = Array.BinarySearch(_cumulated, point * _cumulated[^1]);
            return Math.Min(found >= 0 ? found + 1 : ~found, _cumulated.Length - 1);
        })]).MoveToOuterDisposeScope();
    }

    private Tensor Rows(int[] states)
    {
        int length = _input.Length();
        var values = new float[states.Length * length];
        for (int row = 0; row < states.Length; row++)
        {
            int state = states[row];
            if (_input.Variables == VariableKind.Binary)
            {
                for (int i = 0; i < length; i++)
                    values[row * length + i] = state >> i & 1;
                continue;
            }
            int categories = _input.Shape[^1];
            for (int i = 0; i < length; i += categories, state /= categories)
                values[row * length + i + state % categories] = 1;
        }
        return tensor(values, [states.Length, .. _input.Shape.Select(size => (long)size)], device: _device);
    }
}
