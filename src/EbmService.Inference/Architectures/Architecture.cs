using EbmService.Core.Models;
using EbmService.Core.Sampling;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>The common part of the families: a typed spec, and what holds for a closed formula over vectors without parameters.</summary>
public abstract class Architecture<TSpec> : IArchitecture
    where TSpec : ArchitectureSpec
{
    public abstract string Kind { get; }

    public Type SpecType => typeof(TSpec);

    public virtual TrainingObjective Objective => TrainingObjective.None;

    public abstract IReadOnlyList<ArchitectureExample> Examples { get; }

    public virtual bool TakesModule => false;

    /// <value>The kinds of variables that the formula is defined for.</value>
    protected virtual IReadOnlyList<VariableKind> Variables => [VariableKind.Continuous];

    public ModelCapabilities Capabilities(ArchitectureSpec spec, InputSchema input) => Describe((TSpec)spec, input, new ModelCapabilities
    {
        Variables = input.Variables,
        Trainable = Objective != TrainingObjective.None,
        Precisions = Objective == TrainingObjective.None ? [SamplingPrecision.Float32] : [SamplingPrecision.Float32, SamplingPrecision.Bfloat16],
    });

    public IEnumerable<string> Faults(ArchitectureSpec spec, InputSchema input)
    {
        if (!Variables.Contains(input.Variables))
            yield return $"architecture takes {string.Join(" or ", Variables).ToLowerInvariant()} variables, but the input's are {input.Variables.ToString().ToLowerInvariant()}";
        foreach (string fault in Faults((TSpec)spec, input))
            yield return fault;
    }

    public ArchitectureShapes Shapes(ArchitectureSpec spec, InputSchema input) => Shapes((TSpec)spec, input);

    public virtual bool StaysFloat32(ArchitectureSpec spec, string parameter) => false;

    public IEnergyModel Create(ArchitectureSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) =>
        Create((TSpec)spec, parameters, device);

    public virtual IEnergyModel Load(ArchitectureSpec spec, InputSchema input, byte[] module, ScalarType precision, Device device) =>
        throw new NotSupportedException($"a network of kind {Kind} has no module file");

    /// <summary>Uniform in +-1/sqrt(fan-in) as PyTorch's layers; a bias takes the fan-in of its weight.</summary>
    public virtual IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator)
    {
        IReadOnlyDictionary<string, long[]> shapes = Shapes(spec, input).Parameters;
        var parameters = new Dictionary<string, Tensor>();
        foreach ((string name, long[] shape) in shapes)
        {
            long[] weight = shapes[name.Replace(".bias", ".weight", StringComparison.Ordinal)];
            double bound = 1 / Math.Sqrt(weight.Skip(1).Aggregate(1L, (product, size) => product * size));
            parameters[name] = empty(shape).uniform_(-bound, bound, generator).DetachFromDisposeScope();
        }
        return parameters;
    }

    protected virtual ModelCapabilities Describe(TSpec spec, ModelCapabilities common) => common;

    /// <summary>Of families whose capabilities depend on the input too, which is not checked yet.</summary>
    protected virtual ModelCapabilities Describe(TSpec spec, InputSchema input, ModelCapabilities common) => Describe(spec, common);

    protected abstract IEnumerable<string> Faults(TSpec spec, InputSchema input);

    protected virtual ArchitectureShapes Shapes(TSpec spec, InputSchema input) => new(new Dictionary<string, long[]>(), input.Length());

    protected abstract IEnergyModel Create(TSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device);

    /// <returns>Null where the input is a plain vector.</returns>
    protected static string? VectorFault(InputSchema input) =>
        input.Kind != InputKind.Vector ? "architecture takes vectors, but the input is an image"
        : input.Shape.Count != 1 ? "architecture takes vectors of one size"
        : null;

    protected static bool IsPositive(double value) => value is > 0 and < double.PositiveInfinity;
}
