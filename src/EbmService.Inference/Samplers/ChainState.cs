using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// The live rows of one block, on one device thread. All memory is allocated once: steps write in place. Everything that a kernel must find
/// again after a checkpoint is one of <see cref="Tensors"/>.
/// </summary>
public sealed class ChainState : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly List<Tensor> _scratch = [];

    internal ChainState(ChainStartPoints start)
    {
        X = Keep("states", start.X);
        Labels = start.Labels?.DetachFromDisposeScope();
        HeldMask = start.HeldMask?.DetachFromDisposeScope();
        HeldValues = start.HeldValues?.DetachFromDisposeScope();
        Noise = Scratch(empty_like(X));
        Uniform = Scratch(empty(Rows, device: X.device));
        Safe = Keep("safe", X.clone());
        Energy = Keep("energy", zeros(Rows, device: X.device));
        GradientNorm = Keep("gradientNorm", zeros(Rows, device: X.device));
        Alive = Keep("alive", ones(Rows, dtype: ScalarType.Bool, device: X.device));
    }

    public int Rows => (int)X.shape[0];

    /// <value>Current points (rows, ...).</value>
    public Tensor X { get; }

    /// <value>Class index per row (rows) int64, or null for unconditional chains.</value>
    public Tensor? Labels { get; }

    /// <value>(...) bool, true where x is held fixed; null where nothing is.</value>
    public Tensor? HeldMask { get; }

    /// <value>(rows, ...) what the held numbers are.</value>
    public Tensor? HeldValues { get; }

    /// <value>E at the point where the latest gradient was taken, (rows); kernels that accept and reject: at the current point.</value>
    public Tensor Energy { get; }

    /// <value>L2 norm of that gradient before clipping, over the free numbers, (rows).</value>
    public Tensor GradientNorm { get; }

    /// <value>False for rows that left the finite numbers; they keep their last point of finite energy, (rows) bool.</value>
    public Tensor Alive { get; }

    /// <value>Acceptance probability of the latest step (rows); null for kernels that accept everything.</value>
    public Tensor? Acceptance { get; internal set; }

    /// <value>Sum of the acceptance probabilities since the warm-up (rows); null as above.</value>
    public Tensor? AcceptanceSum { get; internal set; }

    /// <value>Transitions since the warm-up whose energy error was too large (rows) int64; null for kernels without the notion.</value>
    public Tensor? DivergentTransitions { get; internal set; }

    /// <value>The Hamiltonian at the start of the latest transition (rows), for E-BFMI; null for kernels without momentum refreshment.</value>
    public Tensor? Hamiltonian { get; internal set; }

    /// <value>Rows that stand for the block's chains, in chain order (chains) int64; null where every row is a chain. Replica exchange: those at the first temperature.</value>
    public Tensor? ReportedRows { get; internal set; }

    /// <value>A factor on the temperature per row (rows); null for 1.</value>
    public Tensor? TemperatureFactors { get; internal set; }

    /// <value>Replica exchange: sums of the swaps' acceptance probabilities since the warm-up, per pair of neighbours in the ladder (K - 1); else null.</value>
    public Tensor? SwapAcceptanceSum { get; internal set; }

    /// <value>Replica exchange: swaps tried since the warm-up, per pair (K - 1) int64; else null.</value>
    public Tensor? SwapAttempts { get; internal set; }

    /// <value>Steps done.</value>
    public int Step { get; internal set; }

    /// <value>All that a checkpoint holds, by name.</value>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    internal Tensor Noise { get; }

    /// <value>Scratch, (rows).</value>
    internal Tensor Uniform { get; }

    /// <value>dE/dx at X, zero at held numbers, of kernels that keep it from step to step: <see cref="Energy"/> is then E(X). Null for others.</value>
    internal Tensor? Gradient { get; set; }

    /// <value>
    /// E(X) in float64 (rows), of kernels that keep <see cref="Gradient"/>: what decides an acceptance is a difference, and of energies of a million float32
    /// keeps one digit behind the point.
    /// </value>
    internal Tensor? ExactEnergy { get; set; }

    /// <value>(rows, ...) of kernels that keep it from step to step.</value>
    internal Tensor? Momentum { get; set; }

    internal StepSizeAdaptation? StepSize { get; set; }

    internal MassAdaptation? Mass { get; set; }

    /// <value>The last points of finite energy; the start points until there was one, (rows, ...).</value>
    internal Tensor Safe { get; }

    /// <summary>Takes a tensor into the state: it is in checkpoints and lives as long as the state.</summary>
    internal Tensor Keep(string name, Tensor tensor) => _tensors[name] = tensor.DetachFromDisposeScope();

    /// <summary>Takes a tensor that is written before it is read in every step: it is not in checkpoints.</summary>
    internal Tensor Scratch(Tensor tensor)
    {
        _scratch.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>The rows of a per-row tensor that stand for the block's chains; an alias or a new tensor of the caller's scope.</summary>
    public Tensor Reported(Tensor perRow) => ReportedRows is { } rows ? perRow.index_select(0, rows) : perRow.alias();

    /// <summary>Rows whose energy or point is not finite go back to their safe point and stay there.</summary>
    internal void FreezeUnsound()
    {
        if (Alive.AllTrue() && Energy.AllFinite() && X.AllFinite())
            return;
        using DisposeScope scope = NewDisposeScope();
        Alive.logical_and_(X.isfinite().flatten(1).all(1)).logical_and_(Energy.isfinite());
        X.copy_(where(ByChain(Alive), X, Safe));
    }

    /// <summary>Standard normal numbers of fixed shape, zero where x is held; overwritten by the next call.</summary>
    internal Tensor DrawNoise(Generator generator, double deviation = 1) => ZeroHeld(Noise.normal_(0, deviation, generator));

    /// <summary>Writes zero into held numbers, in place.</summary>
    internal Tensor ZeroHeld(Tensor perNumber) => HeldMask is { } held ? perNumber.masked_fill_(held, Kept(0)) : perNumber;

    /// <summary>Writes the held values into points, in place: arithmetic with zeros loses the sign of -0, and boxes may not contain them.</summary>
    internal Tensor RestoreHeld(Tensor points)
    {
        if (HeldMask is { } held)
            points.copy_(where(held, HeldValues!, points));
        return points;
    }

    /// <summary>A temperature or its multiple times the row's factor: (rows, 1, ...), or (1) where rows have none.</summary>
    internal Tensor PerRow(Tensor temperature) => TemperatureFactors is { } factors ? ByChain(factors.mul(temperature)) : temperature;

    /// <summary>One value per row, in a shape that spreads over its numbers.</summary>
    internal Tensor ByChain(Tensor values)
    {
        var shape = new long[X.shape.Length];
        Array.Fill(shape, 1);
        shape[0] = X.shape[0];
        return values.view(shape);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values.Concat(_scratch))
            tensor.Dispose();
        Labels?.Dispose();
        HeldMask?.Dispose();
        HeldValues?.Dispose();
    }
}
