using EbmService.Core.Likelihood;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;
using EbmService.Inference.Samplers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>
/// Chains along a path of unnormalised densities f_b with the log weights that they have gathered (Neal 2001). Whoever drives it says where on the path the next weights
/// and transitions are. Of one device thread.
/// </summary>
internal abstract class AnnealedWalk : IDisposable
{
    protected AnnealedWalk(int rows, Device device) => LogWeights = zeros(rows, dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    /// <value>log of the known normalising constant of f_0.</value>
    public abstract double LogZOfBase { get; }

    /// <value>(rows, ...input) float32.</value>
    public abstract Tensor X { get; }

    /// <value>(rows) float64.</value>
    public Tensor LogWeights { get; }

    /// <value>About the largest useful step size; 0 where the kernel has none.</value>
    public virtual double LargestStepSize => 0;

    /// <value>The mean acceptance that step sizes are steered to; 0 where nothing is rejected.</value>
    public virtual double TargetAcceptance => 0;

    /// <value>Mean acceptance probability of the latest transition; null where nothing is rejected.</value>
    public virtual double? Acceptance => null;

    /// <value>Rows that left the finite numbers.</value>
    public virtual int Frozen => 0;

    /// <summary>Puts the chains at independent samples of the base.</summary>
    public abstract void StartFromBase(Generator generator);

    /// <summary>Puts the chains at points (rows, ...input), which are copied.</summary>
    public abstract void Start(Tensor points);

    /// <summary>Chain i goes to where chain picks[i] is; weights stay.</summary>
    public abstract void Resample(Tensor picks);

    /// <summary>Adds log f_to - log f_from, of the points where the chains are, to log weights: the walk's own or others of that shape.</summary>
    public abstract void Weigh(double from, double to, Tensor logWeights);

    /// <summary>log f_1 / f_0 of the points where the chains are, (rows) float64: what parts the model from the base.</summary>
    public abstract Tensor LogRatioOfModel();

    /// <summary>A transition at b; left open where <paramref name="isSpent"/> says so, to be gone on with by the same call.</summary>
    /// <param name="stepSize">Ignored where the kernel has none.</param>
    /// <returns>Whether it is complete.</returns>
    public abstract bool TryMove(double b, double stepSize, bool backwards, Generator generator, Func<bool> isSpent);

    /// <summary>Weighs and begins the first transition at <paramref name="to"/>.</summary>
    public virtual bool WeighAndMove(double from, double to, double stepSize, bool backwards, Generator generator, Func<bool> isSpent)
    {
        Weigh(from, to, LogWeights);
        return TryMove(to, stepSize, backwards, generator, isSpent);
    }

    /// <value>All that a checkpoint holds, by name.</value>
    public virtual IReadOnlyDictionary<string, Tensor> Tensors => new Dictionary<string, Tensor> { ["logWeights"] = LogWeights, ["x"] = X };

    /// <value>Where an open transition is, for a checkpoint; null where none is open.</value>
    public virtual (int Phase, int PassRow, double At)? Open => null;

    /// <summary>Before a checkpoint's tensors are written into <see cref="Tensors"/>.</summary>
    public virtual void Reopen((int Phase, int PassRow, double At)? open)
    {
    }

    public virtual void Dispose() => LogWeights.Dispose();

    /// <summary>The walk that a spec asks for.</summary>
    public static AnnealedWalk Create(LikelihoodSpec spec, LiveModel model, Device device, int rows)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        InputSchema input = model.Descriptor.Input;
        if (spec.Kernel != LikelihoodKernel.Gibbs)
            return new KernelWalk(spec, model.Energy, input, AnnealingBase.Create(spec, input, model.Buffer?.States, device), device, rows);
        var conditionals = (IBlockConditionals)model.Energy;
        IAnnealedPath? path = (model.Energy as IAnnealedModel)?.PathFrom(MeanOf(spec, model, device), spec.Temperature);
        return new GibbsWalk(path ?? new TemperedPath(conditionals, input, spec.Temperature, device), input, device, rows);
    }

    /// <summary>As if one row more had been half on: no mean is 0 or 1.</summary>
    private static Tensor MeanOf(LikelihoodSpec spec, LiveModel model, Device device)
    {
        if (spec.Base != LikelihoodBase.Buffer)
            return full([.. model.Descriptor.Input.Shape.Select(size => (long)size)], Kept(0.5), device: device);
        Tensor states = model.Buffer!.States;
        return states.sum([0]).add_(Kept(0.5), Kept(1)).div_(Kept(states.shape[0] + 1.0));
    }
}

/// <summary>By draws from conditionals. A transition is never left open: it is a sweep over a block of chains.</summary>
internal sealed class GibbsWalk : AnnealedWalk
{
    private readonly IAnnealedPath _path;

    /// <param name="path">The walk's from now on.</param>
    public GibbsWalk(IAnnealedPath path, InputSchema input, Device device, int rows) : base(rows, device)
    {
        _path = path;
        X = zeros([rows, .. input.Shape.Select(size => (long)size)], device: device).DetachFromDisposeScope();
    }

    public override double LogZOfBase => _path.LogZOfBase;

    public override Tensor X { get; }

    public override void StartFromBase(Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        Start(_path.Draw((int)X.shape[0], generator));
    }

    public override void Start(Tensor points) => X.copy_(points.view(X.shape));

    public override void Resample(Tensor picks)
    {
        using DisposeScope scope = NewDisposeScope();
        X.copy_(X.index_select(0, picks));
    }

    public override void Weigh(double from, double to, Tensor logWeights) => _path.Weigh(X, from, to, logWeights);

    public override Tensor LogRatioOfModel()
    {
        Tensor density = zeros_like(LogWeights);
        _path.Weigh(X, 0, 1, density);
        return density;
    }

    public override bool TryMove(double b, double stepSize, bool backwards, Generator generator, Func<bool> isSpent)
    {
        _path.Move(X, b, backwards, generator);
        return true;
    }

    public override bool WeighAndMove(double from, double to, double stepSize, bool backwards, Generator generator, Func<bool> isSpent)
    {
        _path.WeighAndMove(X, from, to, backwards, LogWeights, generator);
        return true;
    }

    public override void Dispose()
    {
        _path.Dispose();
        X.Dispose();
        base.Dispose();
    }
}

/// <summary>
/// By a Metropolis kernel on <see cref="BridgeEnergy"/>. Energies and gradients of the model itself stay with the points, so that a step along the path costs no pass.
/// </summary>
internal sealed class KernelWalk : AnnealedWalk
{
    private static readonly Func<bool> Never = () => false;
    private readonly AnnealingBase _base;
    private readonly IEnergyModel _model;
    private readonly BridgeEnergy _bridge;
    private readonly IKernel _kernel;
    private readonly MetropolisState _state;
    private readonly Tensor _stepSize, _energy, _gradient;

    /// <param name="from">The walk's from now on.</param>
    public KernelWalk(LikelihoodSpec spec, IEnergyModel model, InputSchema input, AnnealingBase from, Device device, int rows) : base(rows, device)
    {
        using DisposeScope scope = NewDisposeScope();
        (_base, _model) = (from, model);
        _bridge = new BridgeEnergy(model, from, spec.Temperature);
        bool isHmc = spec.Kernel == LikelihoodKernel.Hmc;
        TargetAcceptance = isHmc ? new HmcSettings().TargetAcceptance : new MalaSettings().TargetAcceptance;
        StateClamp box = from.IsBox ? new StateClamp(StateClampKind.Range, input.Min, input.Max) : new StateClamp();
        // Step sizes are set before each transition; nothing adapts, so each transition leaves its density invariant.
        var plan = new ChainPlan(new SgldRecipe { StepSize = 1, Temperature = 1, StateClamp = box }, Horizon: 1);
        var pass = new GradientPass(_bridge);
        _kernel = isHmc ? new HmcKernel(pass, plan, new HmcSettings(spec.LeapfrogSteps, AdaptMass: false)) : new MalaKernel(pass, plan, new MalaSettings());
        _state = (MetropolisState)_kernel.Init(new ChainStartPoints(zeros([rows, .. input.Shape.Select(size => (long)size)], device: device)));
        _stepSize = ((IAdaptsStepSize)_state).StepSize.Current;
        _energy = _state.Keep("modelEnergy", zeros(rows, dtype: ScalarType.Float64, device: device));
        _gradient = _state.Keep("modelGradient", zeros_like(_state.X));
    }

    public override double LogZOfBase => 0;

    public override Tensor X => _state.X;

    public override double LargestStepSize => _base.Width / 2;

    public override double TargetAcceptance { get; }

    public override double? Acceptance
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            return _state.Acceptance.mean().ToDouble();
        }
    }

    public override int Frozen
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            return (int)_state.Alive.logical_not().sum().ToInt64();
        }
    }

    public override IReadOnlyDictionary<string, Tensor> Tensors =>
        new Dictionary<string, Tensor>(_state.Tensors.Select(pair => KeyValuePair.Create("state." + pair.Key, pair.Value))) { ["logWeights"] = LogWeights };

    public override (int Phase, int PassRow, double At)? Open => _state.IsStepOpen ? (_state.Phase, _state.PassRow, _bridge.At) : null;

    public override void Reopen((int Phase, int PassRow, double At)? open)
    {
        (int phase, int passRow, double at) = open ?? (0, 0, 0);
        // Behind step 0 the kernel takes no first gradient.
        _state.MoveTo(1, phase, passRow);
        _bridge.At = at;
    }

    public override void StartFromBase(Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        Start(_base.Draw((int)X.shape[0], generator));
    }

    public override void Start(Tensor points)
    {
        using DisposeScope scope = NewDisposeScope();
        X.copy_(points.view(X.shape));
        _state.Safe.copy_(X);
        (Tensor energy, Tensor gradient) = new GradientPass(_model).Take(_state, X, Never)!.Value;
        _energy.copy_(energy);
        _gradient.copy_(gradient);
        _state.Alive.copy_(_energy.IsSound());
        Reopen(null);
    }

    public override void Resample(Tensor picks)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor tensor in new[] { X, _energy, _gradient, _state.Safe, _state.Alive })
            tensor.copy_(tensor.index_select(0, picks));
    }

    public override void Weigh(double from, double to, Tensor logWeights)
    {
        using DisposeScope scope = NewDisposeScope();
        logWeights.add_(_bridge.LogRatio(X, _energy, to - from), Kept(1));
    }

    public override Tensor LogRatioOfModel() => _bridge.LogRatio(X, _energy, 1);

    public override bool TryMove(double b, double stepSize, bool backwards, Generator generator, Func<bool> isSpent)
    {
        using DisposeScope scope = NewDisposeScope();
        if (!_state.IsStepOpen)
        {
            _bridge.At = b;
            // Trajectories of one length come back to where they were wherever that is a period of the motion (Neal 2011, section 3.2).
            _stepSize.uniform_(stepSize / 2, stepSize, generator);
            _state.Energy.copy_(_bridge.Mix(X, _energy.clone()));
            _state.Gradient.copy_(_bridge.MixGradient(X, _gradient.clone()));
        }
        if (!_kernel.TryStep(_state, generator, isSpent))
            return false;
        _energy.copy_(_bridge.Unmix(X, _state.Energy.clone()));
        _gradient.copy_(_bridge.UnmixGradient(X, _state.Gradient.clone()));
        return true;
    }

    public override void Dispose()
    {
        _state.Dispose();
        _base.Dispose();
        base.Dispose();
    }
}
