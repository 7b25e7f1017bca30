using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Importing;

/// <summary>How far the energies, or logits, of an imported model are from given ones.</summary>
/// <param name="Outputs">How many numbers were compared.</param>
/// <param name="Largest">The largest |computed - given| / |given|.</param>
/// <param name="Row">Where that is.</param>
/// <param name="Given">The given number there.</param>
/// <param name="Computed">The computed one.</param>
public sealed record EnergyCheck(int Outputs, double Largest, int Row, double Given, double Computed)
{
    /// <summary>Numbers nearer to 0 are compared as if they were as large as this.</summary>
    private const double Smallest = 1e-6;

    /// <param name="model">What to compute.</param>
    /// <param name="weights">By which weights.</param>
    /// <param name="inputs">(n, ...input).</param>
    /// <param name="outputs">(n) or (n, 1) energies E(x), or (n, classes) logits f(x).</param>
    /// <exception cref="FormatException">The shapes are no such.</exception>
    public static EnergyCheck Compare(
        ModelDescriptor model, IReadOnlyDictionary<string, SafetensorsTensor> weights, TensorPayload inputs, TensorPayload outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        using IEnergyModel energy = EnergyModelFactory.Create(
            model.Architecture.Spec(), weights.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor().DetachFromDisposeScope()));
        bool logits = outputs.RowLength > 1;
        if (!inputs.Shape.Skip(1).SequenceEqual(model.Input.Shape) || inputs.Rows == 0)
            throw Unfit("inputs", inputs, $"[n, {Sizes(model.Input.Shape)}]");
        if (outputs.Rows != inputs.Rows || outputs.Shape.Count is < 1 or > 2 || (logits && outputs.RowLength != energy.Classes))
        {
            string orLogits = energy.Classes > 0 ? $" or logits [{inputs.Rows}, {energy.Classes}]" : "";
            throw Unfit("outputs", outputs, $"energies [{inputs.Rows}]{orLogits}");
        }
        double[] computed = [.. Enumerable.Range(0, (inputs.Rows + ModelQuery.TileRows - 1) / ModelQuery.TileRows)
            .SelectMany(tile => Compute(energy, inputs.Slice(tile * ModelQuery.TileRows, Math.Min(ModelQuery.TileRows, inputs.Rows - tile * ModelQuery.TileRows)), logits))];
        int worst = Enumerable.Range(0, computed.Length).MaxBy(i => Difference(computed[i], outputs.Values[i]));
        return new EnergyCheck(
            computed.Length, Difference(computed[worst], outputs.Values[worst]), worst / outputs.RowLength, outputs.Values[worst], computed[worst]);
    }

    private static double[] Compute(IEnergyModel energy, TensorPayload rows, bool logits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(rows.Values, [.. rows.Shape.Select(size => (long)size)]);
        return (logits ? energy.Logits(x)! : energy.Energy(x)).contiguous().data<double>().ToArray();
    }

    private static FormatException Unfit(string what, TensorPayload numbers, string expected) =>
        new($"the {what} have the shape [{Sizes(numbers.Shape)}]; {expected} is expected");

    private static string Sizes(IEnumerable<int> shape) => string.Join(", ", shape);

    /// <summary>NaN counts as infinitely far.</summary>
    private static double Difference(double computed, double given)
    {
        double difference = Math.Abs(computed - given) / Math.Max(Math.Abs(given), Smallest);
        return double.IsNaN(difference) ? double.PositiveInfinity : difference;
    }
}
