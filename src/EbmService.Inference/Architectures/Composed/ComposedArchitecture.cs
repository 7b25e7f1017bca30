using System.Globalization;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Architectures.Mlp;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Composed;

/// <inheritdoc cref="ComposedSpec"/>
/// <remarks>A part's parameters are its own with its place before them: 0.head.weight.</remarks>
internal sealed class ComposedArchitecture : Architecture<ComposedSpec>
{
    private static readonly InputSchema s_plane = new(InputKind.Vector, [2], -5, 5);
    private static readonly ConvJemSpec s_classifier = new([new(4, 3), new(6, 4, 2)], 3);

    public override string Kind => CompositionRequest.ComposedKind;

    /// <remarks>Made when asked for: the parts' JSON comes from the registry, which this family is in.</remarks>
    public override IReadOnlyList<ArchitectureExample> Examples =>
    [
        new("product", new ComposedSpec(
            [new(new GaussianSpec([0.5, -0.5], [[2, 0.5], [0.5, 1]])), new(new MlpSpec([8, 8]))], [new(0), new(1, -0.5)]), s_plane),
        new("mixture", new ComposedSpec(
            [new(new GaussianSpec([1, 0], [[2, 0], [0, 1]])), new(new DoubleWellSpec())], [new(0, 0.25), new(1, 2)], CombineRule.Mixture), s_plane),
        new("labels", new ComposedSpec([new(s_classifier)], [new(0, 1, 2), new(0, -0.5, 1)]), new InputSchema(InputKind.Image, [1, 8, 8], -1, 1)),
        new("classes", new ComposedSpec([new(s_classifier), new(s_classifier)], [new(0), new(1, 0.5, 0)]), new InputSchema(InputKind.Image, [1, 8, 8], -1, 1)),
        new("mixed classes", new ComposedSpec([new(s_classifier), new(s_classifier)], [new(0), new(1, 2)], CombineRule.Mixture),
            new InputSchema(InputKind.Image, [1, 8, 8], -1, 1)),
    ];

    protected override IReadOnlyList<VariableKind> Variables => Enum.GetValues<VariableKind>();

    public override bool StaysFloat32(ArchitectureSpec spec, string parameter)
    {
        string[] name = parameter.Split('.', 2);
        ArchitectureSpec part = ((ComposedSpec)spec).Parts[int.Parse(name[0], CultureInfo.InvariantCulture)].Architecture.Spec();
        return part.Family().StaysFloat32(part, name[1]);
    }

    public override IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator) => Prefixed(
        ((ComposedSpec)spec).Parts.Select(part => part.Architecture.Spec()).Select(part => part.Family().Initialise(part, input, generator)));

    /// <summary>Parts' tensors, shapes or whatever they have by name, under the composition's names.</summary>
    internal static Dictionary<string, T> Prefixed<T>(IEnumerable<IReadOnlyDictionary<string, T>> parts) => parts.Index()
        .SelectMany(part => part.Item.Select(pair => KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"{part.Index}.{pair.Key}"), pair.Value)))
        .ToDictionary(StringComparer.Ordinal);

    /// <summary>
    /// A product has the classes of the one term that is a whole classifier of weight 1: the other factors don't depend on the class. A mixture of whole
    /// classifiers of the same classes is one itself. Else exp(-E) is no sum over classes.
    /// </summary>
    /// <param name="spec">The terms.</param>
    /// <param name="classes">Of each part.</param>
    internal static int ClassesOf(ComposedSpec spec, IReadOnlyList<int> classes)
    {
        ComposedTerm[] whole = [.. WholeClassifiers(spec, classes)];
        if (spec.Combine == CombineRule.Product)
            return whole is [{ Weight: 1 } only] ? classes[only.Part] : 0;
        return whole.Length == spec.Terms.Count && whole.Select(term => classes[term.Part]).Distinct().ToArray() is [var shared] ? shared : 0;
    }

    internal static IEnumerable<ComposedTerm> WholeClassifiers(ComposedSpec spec, IReadOnlyList<int> classes) =>
        spec.Terms.Where(term => term.Label is null && IsPart(term.Part, classes.Count) && classes[term.Part] > 0);

    protected override ModelCapabilities Describe(ComposedSpec spec, InputSchema input, ModelCapabilities common)
    {
        ModelCapabilities[] parts = [.. spec.Parts.Select(part => part.Architecture.Spec()).Select(part => part.Family().Capabilities(part, input))];
        return common with
        {
            Differentiable = parts.All(part => part.Differentiable),
            Classes = ClassesOf(spec, [.. parts.Select(part => part.Classes)]),
            Precisions = [.. Enum.GetValues<SamplingPrecision>().Where(precision => parts.All(part => part.Precisions.Contains(precision)))],
        };
    }

    protected override IEnumerable<string> Faults(ComposedSpec spec, InputSchema input)
    {
        if (spec.Terms.Count is < 1 or > CompositionRequest.MaxTerms)
            yield return $"terms must be 1 to {CompositionRequest.MaxTerms}";
        if (spec.Parts.Count is < 1 or > CompositionRequest.MaxTerms || spec.Parts.Index().Any(part => spec.Terms.All(term => term.Part != part.Index)))
            yield return $"parts must be 1 to {CompositionRequest.MaxTerms}, each in a term";
        foreach ((int i, ComposedPart part) in spec.Parts.Index())
        {
            ArchitectureSpec own = part.Architecture.Spec();
            if (own.Family().TakesModule)
                yield return $"parts[{i}] is code ({part.Architecture.Kind}), which a composition can't hold";
            if (own.Family().Capabilities(own, input).Latents.Count > 0)
                yield return $"parts[{i}] has latent variables, which a composition can't have";
            foreach (string fault in own.Family().Faults(own, input))
                yield return $"parts[{i}]: {fault}";
        }
        foreach (string fault in spec.Terms.Index().SelectMany(term => Faults(spec, input, term.Item, $"terms[{term.Index}]")))
            yield return fault;
    }

    protected override ArchitectureShapes Shapes(ComposedSpec spec, InputSchema input)
    {
        Require(spec.Parts.Count <= CompositionRequest.MaxTerms, "has too many parts");
        ArchitectureShapes[] parts = [.. spec.Parts.Select(part => part.Architecture.Spec()).Select(part => part.Family().Shapes(part, input))];
        return new ArchitectureShapes(
            Prefixed(parts.Select(part => part.Parameters)), parts.Aggregate(0L, (sum, part) => checked(sum + part.Activations)));
    }

    protected override IEnergyModel Create(ComposedSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device)
    {
        IEnergyModel[] parts = [.. spec.Parts.Select((part, i) => EnergyModelFactory.Create(part.Architecture.Spec(), Own(parameters, i), device))];
        // Closed formulas make their constants themselves.
        foreach (Tensor unused in parameters.Values.Except(parts.SelectMany(part => part.Parameters.Values), ReferenceEqualityComparer.Instance).Cast<Tensor>())
            unused.Dispose();
        return new ComposedEnergy(spec, parts);
    }

    private static Dictionary<string, Tensor> Own(IReadOnlyDictionary<string, Tensor> parameters, int part)
    {
        string prefix = string.Create(CultureInfo.InvariantCulture, $"{part}.");
        return parameters.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
    }

    private static IEnumerable<string> Faults(ComposedSpec spec, InputSchema input, ComposedTerm term, string name)
    {
        if (term.Weight == 0 || !double.IsFinite(term.Weight))
            yield return $"{name}.weight must be a finite number other than 0";
        if (spec.Combine == CombineRule.Mixture && term.Weight < 0)
            yield return $"{name}.weight must be above 0 in a mixture";
        if (!IsPart(term.Part, spec.Parts.Count))
        {
            yield return $"{name}.part is no place among the parts";
        }
        else if (term.Label is { } label && spec.Parts[term.Part].Architecture.Spec() is var part
            && part.Family().Capabilities(part, input).Classes is var classes && (label < 0 || label >= classes))
        {
            yield return $"{name}.label is none of the {classes} classes of its part";
        }
    }

    private static bool IsPart(int part, int count) => part >= 0 && part < count;
}
