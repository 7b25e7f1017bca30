using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>
/// The path of temperatures T / b of any model with conditionals of discrete variables, from the uniform distribution at b = 0: f_b is the density that its draws at
/// that temperature leave invariant.
/// </summary>
internal sealed class TemperedPath : IAnnealedPath
{
    private readonly IBlockConditionals _model;
    private readonly InputSchema _input;
    private readonly double _temperature;

    public TemperedPath(IBlockConditionals model, InputSchema input, double temperature, Device device)
    {
        (_model, _input, _temperature) = (model, input, temperature);
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(0UL, device);
        // At b = 0 the density is one number, that of the states that are summed out, whatever x is.
        Tensor any = ReplayBuffer.FromBase(1, input, generator, device);
        double states = input.Variables == VariableKind.Categorical ? input.Length() / input.Shape[^1] * Math.Log(input.Shape[^1]) : input.Length() * Math.Log(2);
        LogZOfBase = states + model.LogDensity(any, zeros(1, dtype: ScalarType.Float64, device: device), null).ToDouble();
    }

    public double LogZOfBase { get; }

    public Tensor Draw(int rows, Generator generator) => ReplayBuffer.FromBase(rows, _input, generator, generator.device);

    public void Weigh(Tensor x, double from, double to, Tensor logWeights)
    {
        using DisposeScope scope = NewDisposeScope();
        logWeights.add_(LogDensity(x, to), Kept(1)).sub_(LogDensity(x, from));
    }

    public void Move(Tensor x, double b, bool backwards, Generator generator)
    {
        for (int block = 0; block < _model.Blocks; block++)
            _model.Resample(x, backwards ? _model.Blocks - 1 - block : block, _temperature / b, labels: null, held: null, generator);
    }

    public void Dispose()
    {
        // Holds nothing of its own.
    }

    private Tensor LogDensity(Tensor x, double b) =>
        _model.LogDensity(x, full([x.shape[0]], Kept(b / _temperature), dtype: ScalarType.Float64, device: x.device), null);
}
