using EbmService.Core.Jobs;
using EbmService.Core.Likelihood;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Randomness;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>The rows of a likelihood job as points of the model's density, and that density, unnormalised.</summary>
internal sealed class LikelihoodRows(IJobInputs inputs, JobDefinition job, LikelihoodSpec spec, LiveModel model, Device device)
{
    /// <summary>Before the streams of the rows come the blocks' and the pilot's.</summary>
    private const long FirstStream = -2;

    private readonly InputSchema _input = model.Descriptor.Input;

    public int Length => _input.Length();

    /// <value>Of the input's values.</value>
    public double Range => _input.Max - _input.Min;

    /// <summary>Some rows, in C order; dequantised where that is asked for. A row's random numbers are of the seed and its index, whoever reads it.</summary>
    public float[] Read(int first, int count)
    {
        float[] values = RowsReader.Read(inputs, job, spec.Rows!, _input, first, count);
        if (spec.DequantisationLevels is { } levels)
        {
            for (int row = 0; row < count; row++)
                Dequantise(values.AsSpan(row * Length, Length), levels, first + row);
        }
        return values;
    }

    /// <summary>log of the unnormalised density at the job's temperature, (n) float64; -infinity outside the range that the model is of.</summary>
    /// <param name="x">(n, ...input).</param>
    public Tensor LogDensity(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (spec.Kernel == LikelihoodKernel.Gibbs)
        {
            Tensor inverse = full([x.shape[0]], Kept(1 / spec.Temperature), dtype: ScalarType.Float64, device: device);
            return ((IBlockConditionals)model.Energy).LogDensity(x, inverse, null).MoveToOuterDisposeScope();
        }
        Tensor density = model.Energy.Energy(x).neg().div(Kept(spec.Temperature));
        if (spec.Base != LikelihoodBase.Normal)
        {
            Tensor outside = x.less(_input.Min).logical_or_(x.greater(_input.Max)).flatten(1).any(1);
            density.masked_fill_(outside, Kept(double.NegativeInfinity));
        }
        return density.MoveToOuterDisposeScope();
    }

    public Tensor ToTensor(float[] values) => tensor(values, [values.Length / Length, .. _input.Shape.Select(size => (long)size)]).to(device);

    private void Dequantise(Span<float> row, int levels, int index)
    {
        using var generator = new Generator(BlockSeed.Derive(spec.Seed, FirstStream - index));
        using DisposeScope scope = NewDisposeScope();
        double[] places = rand([row.Length], dtype: ScalarType.Float64, generator: generator).data<double>().ToArray();
        for (int i = 0; i < row.Length; i++)
        {
            double level = Math.Clamp(Math.Round((row[i] - _input.Min) / Range * (levels - 1)), 0, levels - 1);
            row[i] = (float)(_input.Min + (level + places[i]) / levels * Range);
        }
    }
}
