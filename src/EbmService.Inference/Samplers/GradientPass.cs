using EbmService.Core.Devices;
using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Energy and gradient of a state's rows, of a bounded number of rows at a time: between two parts the pass can be left and gone on with later.
/// The parts are a function of the model's and the rows' sizes alone, so the bits are the same however often it was left. Blocks of usual size
/// are one part; on a CPU larger parts gain nothing, as they leave the cache.
/// </summary>
/// <param name="model">The energy.</param>
/// <param name="rows">Rows of a part; by default as many as <see cref="RowsOf"/> says.</param>
/// <param name="term">What is added to the energy of each row; null for nothing.</param>
internal sealed class GradientPass(IEnergyModel model, int? rows = null, IRowTerm? term = null)
{
    /// <summary>Numbers of x in a part: 83 pictures of 28 x 28, rounded down to 64.</summary>
    private const long MaxNumbers = 1 << 16;

    /// <summary>Rows times weights in a part: about a quantum of one core where every weight is used once.</summary>
    private const long MaxProducts = 1 << 28;

    private const int FewestRows = 8;

    private readonly long _weights = Math.Max(1, model.Parameters.Values.Sum(parameter => parameter.numel()));

    public IEnergyModel Model => model;

    /// <summary>Takes energy and gradient at points of all rows, or goes on with it at the same points.</summary>
    /// <param name="points">(rows, ...); must be in the state, where the pass is to survive a checkpoint.</param>
    /// <returns>Energy (rows) and gradient (rows, ...), the caller's to change until the next pass; null where it was left because <paramref name="isSpent"/> said so.</returns>
    public (Tensor Energy, Tensor Gradient)? Take(ChainState state, Tensor points, Func<bool> isSpent)
    {
        int part = RowsOf(points);
        if (state.Rows <= part)
            return Take(0, points, state.Labels);
        (Tensor energies, Tensor gradients) = state.PassBuffers();
        bool whole = Each(state, part, isSpent, (row, count) =>
        {
            (Tensor energy, Tensor gradient) = Take(row, points.narrow(0, row, count), state.Labels?.narrow(0, row, count));
            energies.narrow(0, row, count).copy_(energy);
            gradients.narrow(0, row, count).copy_(gradient);
        });
        return whole ? (energies.alias(), gradients.alias()) : null;
    }

    private (Tensor Energy, Tensor Gradient) Take(int first, Tensor points, Tensor? labels)
    {
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(points, labels);
        term?.Add(first, points, energy, gradient);
        return (energy, gradient);
    }

    /// <summary>As <see cref="Take(ChainState, Tensor, Func{bool})"/>, for the model's energy alone: without the term.</summary>
    public Tensor? TakeEnergy(ChainState state, Tensor points, Func<bool> isSpent) => TakeNumbers(
        state, points, (row, count) => model.Energy(points.narrow(0, row, count), state.Labels?.narrow(0, row, count)), isSpent);

    /// <summary>As <see cref="TakeEnergy"/>, for any number per row that costs about a gradient.</summary>
    /// <param name="numbers">From a first row and a count, (count) float64.</param>
    public Tensor? TakeNumbers(ChainState state, Tensor points, Func<int, int, Tensor> numbers, Func<bool> isSpent)
    {
        int part = RowsOf(points);
        if (state.Rows <= part)
            return numbers(0, state.Rows);
        Tensor all = state.PassBuffers().Energy;
        bool whole = Each(state, part, isSpent, (row, count) => all.narrow(0, row, count).copy_(numbers(row, count)));
        return whole ? all.alias() : null;
    }

    /// <summary>Energies of all rows in one go, in parts for the memory's sake.</summary>
    /// <param name="x">(n, ...).</param>
    public Tensor Energy(Tensor x, Tensor? labels)
    {
        int part = RowsOf(x);
        long all = x.shape[0];
        if (all <= part)
            return model.Energy(x, labels);
        Tensor energies = empty(all, dtype: ScalarType.Float64, device: x.device);
        for (long row = 0; row < all; row += part)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(part, all - row);
            energies.narrow(0, row, count).copy_(model.Energy(x.narrow(0, row, count), labels?.narrow(0, row, count)));
        }
        return energies;
    }

    /// <summary>The rows of a part, a power of two; on other devices than a CPU all of them.</summary>
    private int RowsOf(Tensor points)
    {
        if (points.device_type != DeviceType.CPU)
            return int.MaxValue;
        if (rows is { } given)
            return given;
        long numbers = points.numel() / Math.Max(1, points.shape[0]);
        long most = Math.Clamp(Math.Min(MaxNumbers / Math.Max(1, numbers), MaxProducts / _weights), FewestRows, 1 << 30);
        return 1 << (int)long.Log2(most);
    }

    private static bool Each(ChainState state, int part, Func<bool> isSpent, Action<int, int> take)
    {
        while (true)
        {
            using (NewDisposeScope())
                take(state.PassRow, Math.Min(part, state.Rows - state.PassRow));
            state.PassRow = Math.Min(state.Rows, state.PassRow + part);
            if (state.PassRow == state.Rows)
                break;
            SafePoint.Reach();
            if (isSpent())
                return false;
        }
        state.PassRow = 0;
        return true;
    }
}
