using System.Runtime.InteropServices;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>Where the rows of a block begin. With replica exchange a chain has one row per temperature, side by side.</summary>
/// <param name="X">(rows, ...input) float32.</param>
/// <param name="Labels">A class per row (rows) int64, or null.</param>
/// <param name="HeldMask">(...input) bool: true where x is held fixed, or (rows, ...input) where that differs from row to row; or null.</param>
/// <param name="HeldValues">(rows, ...input), what the held numbers are; X already has them. Null where nothing is held.</param>
public sealed record ChainStartPoints(Tensor X, Tensor? Labels = null, Tensor? HeldMask = null, Tensor? HeldValues = null);

/// <summary>
/// The live rows of one block, on one device thread: what every kernel has; a kernel's own is in its own state type. All memory is allocated once:
/// steps write in place. Everything that a kernel must find again after a checkpoint is one of <see cref="Tensors"/>.
/// </summary>
public class ChainState : IDisposable
{
    private const int OnStack = 1024;

    private readonly Dictionary<string, Tensor> _kept = [];
    private readonly Dictionary<string, Tensor> _open = [];
    private readonly List<Tensor> _scratch = [];

    internal ChainState(ChainStartPoints start)
    {
        X = Keep("states", start.X);
        Labels = start.Labels?.DetachFromDisposeScope();
        HeldMask = start.HeldMask?.DetachFromDisposeScope();
        HeldValues = start.HeldValues?.DetachFromDisposeScope();
        Noise = KeepWithinStep("noise", empty_like(X));
        Safe = Keep("safe", X.clone());
        Energy = Keep("energy", zeros(Rows, dtype: ScalarType.Float64, device: X.device));
        GradientNorm = Keep("gradientNorm", zeros(Rows, device: X.device));
        Alive = Keep("alive", ones(Rows, dtype: ScalarType.Bool, device: X.device));
    }

    public int Rows => (int)X.shape[0];

    /// <value>Points after the last complete step (rows, ...).</value>
    public Tensor X { get; }

    /// <value>Class index per row (rows) int64, or null for unconditional chains.</value>
    public Tensor? Labels { get; }

    /// <value>(...) or (rows, ...) bool, true where x is held fixed; null where nothing is.</value>
    public Tensor? HeldMask { get; }

    /// <summary>(...) bool, true where x is held fixed in every row; null where nothing is. The caller's scope owns it.</summary>
    internal Tensor? HeldInAllRows() => HeldMask is { } held ? (held.dim() == X.dim() ? held.all(0) : held.alias()) : null;

    /// <value>(rows, ...) what the held numbers are.</value>
    public Tensor? HeldValues { get; }

    /// <value>E at the point where the latest gradient was taken, (rows) float64; kernels that keep the gradient: at the current point.</value>
    public Tensor Energy { get; }

    /// <value>L2 norm of that gradient before clipping, over the free numbers, (rows).</value>
    public Tensor GradientNorm { get; }

    /// <value>False for rows that left the finite numbers; they keep their last point of finite energy, (rows) bool.</value>
    public Tensor Alive { get; }

    /// <value>Replica exchange: who is at which temperature; null where every row is a chain at the temperature asked for.</value>
    public ReplicaLadder? Replicas { get; internal set; }

    /// <value>Complete steps.</value>
    public int Step { get; private set; }

    /// <value>How far the open step is, as its kernel counts; 0 at its beginning.</value>
    internal int Phase { get; set; }

    /// <value>Rows that the open step's gradient under way has been taken of.</value>
    internal int PassRow { get; set; }

    internal bool IsStepOpen => Phase != 0 || PassRow != 0;

    /// <value>All that a checkpoint holds, by name: more in the middle of a step.</value>
    public IReadOnlyDictionary<string, Tensor> Tensors => IsStepOpen ? _kept.Concat(_open).ToDictionary() : _kept;

    /// <value>(rows, ...), for the draws of one step.</value>
    internal Tensor Noise { get; }

    /// <value>The last points of finite energy; the start points until there was one, (rows, ...).</value>
    internal Tensor Safe { get; }

    /// <value>Per-row records that stay with the temperature when replicas swap, because they are not of the current point.</value>
    internal virtual IEnumerable<Tensor> RecordsByTemperature => [Energy, GradientNorm];

    /// <summary>Takes a tensor into the state: it is in checkpoints and lives as long as the state.</summary>
    internal Tensor Keep(string name, Tensor tensor) => _kept[name] = tensor.DetachFromDisposeScope();

    /// <summary>Takes a tensor that means something within a step only: it is in checkpoints that are made there.</summary>
    internal Tensor KeepWithinStep(string name, Tensor tensor) => _open[name] = tensor.DetachFromDisposeScope();

    /// <summary>Takes a tensor that is written before it is read: it is in no checkpoint.</summary>
    internal Tensor Scratch(Tensor tensor)
    {
        _scratch.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Energies (rows) and gradients (rows, ...) of a gradient that is taken in several parts.</summary>
    internal (Tensor Energy, Tensor Gradient) PassBuffers() => (
        _open.GetValueOrDefault("passEnergy") ?? KeepWithinStep("passEnergy", zeros_like(Energy)),
        _open.GetValueOrDefault("passGradient") ?? KeepWithinStep("passGradient", zeros_like(X)));

    /// <summary>Says where the chains are, before a checkpoint's tensors are written into <see cref="Tensors"/>.</summary>
    internal void MoveTo(int step, int phase = 0, int passRow = 0)
    {
        (Step, Phase, PassRow) = (step, phase, passRow);
        if (passRow > 0)
            PassBuffers();
    }

    internal void CloseStep()
    {
        (Phase, PassRow) = (0, 0);
        Step++;
    }

    /// <summary>What follows from temperatures that changed by these ratios, (rows).</summary>
    internal virtual void Reheat(Tensor ratios)
    {
    }

    /// <summary>Rows whose energy or point is not finite go back to their safe point and stay there.</summary>
    internal void FreezeUnsound()
    {
        if (Alive.AllTrue() && Energy.AllSound() && X.AllFinite())
            return;
        using DisposeScope scope = NewDisposeScope();
        Alive.logical_and_(X.isfinite().flatten(1).all(1)).logical_and_(Energy.IsSound());
        X.copy_(where(ByChain(Alive), X, Safe));
    }

    /// <summary>Standard normal numbers of fixed shape, zero where x is held; overwritten by the next call.</summary>
    internal Tensor DrawNoise(Generator generator, double deviation = 1) => ZeroHeld(Noise.normal_(0, deviation, generator));

    /// <summary>As <see cref="DrawNoise"/>, hotter by the root of the row's temperature factor.</summary>
    internal Tensor DrawThermal(Generator generator, double deviation)
    {
        Tensor noise = DrawNoise(generator, deviation);
        return Replicas is { Factors: { } factors } ? noise.mul_(ByChain(factors.sqrt())) : noise;
    }

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
    internal Tensor PerRow(Tensor temperature) => Replicas is { Factors: { } factors } ? ByChain(factors.mul(temperature)) : temperature;

    /// <summary>Divides values by a temperature, or its multiple, times the row's factor, in place.</summary>
    /// <param name="values">(rows) or (rows, ...) like x.</param>
    internal Tensor DivideByTemperature(Tensor values, double temperature)
    {
        values.div_(Kept(temperature));
        return Replicas is { Factors: { } factors } ? values.div_(values.dim() == 1 ? factors : ByChain(factors)) : values;
    }

    /// <summary>One value per row, in a shape that spreads over its numbers.</summary>
    internal Tensor ByChain(Tensor values)
    {
        var shape = new long[X.shape.Length];
        Array.Fill(shape, 1);
        shape[0] = X.shape[0];
        return values.view(shape);
    }

    /// <summary>How many chains the rows stand for.</summary>
    public int Chains => (int)(Replicas?.ReportedRows.shape[0] ?? Rows);

    /// <summary>The rows of a per-row tensor that stand for the block's chains; an alias or a new tensor of the caller's scope.</summary>
    public Tensor Reported(Tensor perRow) => Replicas is { ReportedRows: { } rows } ? perRow.index_select(0, rows) : perRow.alias();

    /// <summary>(chains) bool: whether all rows of a chain, its replicas, are alive.</summary>
    public Tensor WholeChains(Tensor alive) => Replicas is null ? alive.alias() : alive.view(Chains, -1).all(1);

    /// <summary>Reads the rows that stand for the first chains into host memory; on a CPU straight out of libtorch's own.</summary>
    /// <param name="perRow">Float32 (rows, ...) of this state, or float64, which is rounded.</param>
    /// <param name="target">(first chains, ...).</param>
    public void CopyReported(Tensor perRow, Span<float> target)
    {
        if (perRow.dtype == ScalarType.Float64)
        {
            Span<double> wide = target.Length <= OnStack ? stackalloc double[target.Length] : new double[target.Length];
            CopyReported(perRow, wide);
            for (int i = 0; i < wide.Length; i++)
                target[i] = (float)wide[i];
        }
        else
        {
            CopyReported<float>(perRow, target);
        }
    }

    /// <inheritdoc cref="CopyReported(Tensor, Span{float})"/>
    /// <param name="perRow">Float64 (rows, ...) of this state.</param>
    public void CopyReported(Tensor perRow, Span<double> target) => CopyReported<double>(perRow, target);

    private void CopyReported<T>(Tensor perRow, Span<T> target) where T : unmanaged
    {
        if (perRow.device_type != DeviceType.CPU || !perRow.is_contiguous())
        {
            using DisposeScope scope = NewDisposeScope();
            MemoryMarshal.Cast<byte, T>(Reported(perRow).cpu().contiguous().bytes)[..target.Length].CopyTo(target);
            return;
        }
        Span<T> rows = MemoryMarshal.Cast<byte, T>(perRow.bytes);
        if (Replicas is not { ReportedRows: { } index })
        {
            rows[..target.Length].CopyTo(target);
            return;
        }
        int width = rows.Length / Rows;
        ReadOnlySpan<long> indices = MemoryMarshal.Cast<byte, long>(index.bytes);
        for (int chain = 0; chain * width < target.Length; chain++)
            rows.Slice((int)indices[chain] * width, width).CopyTo(target[(chain * width)..]);
    }

    /// <summary>Which of the first chains are alive.</summary>
    public void CopyAlive(Span<bool> target)
    {
        using DisposeScope scope = NewDisposeScope();
        MemoryMarshal.Cast<byte, bool>(WholeChains(Alive).cpu().contiguous().bytes)[..target.Length].CopyTo(target);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _kept.Values.Concat(_open.Values).Concat(_scratch))
            tensor.Dispose();
        Labels?.Dispose();
        HeldMask?.Dispose();
        HeldValues?.Dispose();
        GC.SuppressFinalize(this);
    }
}
