using EbmService.Core.Models;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Composed;

/// <summary>
/// A product, E = sum_i w_i E_i, or a mixture, E = -logsumexp_i(log w_i - E_i), of energies over the same input, summed in float64. Gradients are the parts' own,
/// weighted: by w_i, or by each term's share w_i exp(-E_i) / sum_j w_j exp(-E_j). What differs only by its label takes one pass where the part can do so.
/// </summary>
public sealed class ComposedEnergy : EnergyModel
{
    private readonly ComposedTerm[] _terms;
    private readonly IEnergyModel[] _parts;
    private readonly bool _isMixture;
    private readonly int _classifier;

    /// <param name="spec">What is combined.</param>
    /// <param name="parts">In the spec's order; owned by this model from now on.</param>
    internal ComposedEnergy(ComposedSpec spec, IEnergyModel[] parts)
        : base(ComposedArchitecture.Prefixed(parts.Select(part => part.Parameters)))
    {
        (_terms, _parts, _isMixture) = ([.. spec.Terms], parts, spec.Combine == CombineRule.Mixture);
        int[] classes = [.. parts.Select(part => part.Classes)];
        Classes = ComposedArchitecture.ClassesOf(spec, classes);
        _classifier = Array.FindIndex(_terms, term => term.Label is null && classes[term.Part] > 0);
    }

    public override int Classes { get; }

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        var energies = new Tensor[_terms.Length];
        foreach (int part in Enumerable.Range(0, _parts.Length))
        {
            int[] terms = TermsOf(part);
            using Tensor? logits = terms.Length > 1 && _parts[part] is ILogitEnergy classifier ? classifier.Logits(x) : null;
            foreach (int term in terms)
            {
                Tensor? label = LabelOf(term, x, labels);
                energies[term] = logits is null ? _parts[part].Energy(x, label) : EnergyOfLogits(logits, label);
            }
        }
        return Combine(energies).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor energy, Tensor gradient) = _isMixture ? OfMixture(x, labels) : OfProduct(x, labels);
        return (energy.MoveToOuterDisposeScope(), gradient.to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    /// <summary>Of a product: those of its classifier, less the other terms' energy; then E(x) = -logsumexp_y f(x)[y] is the product's own.</summary>
    public override Tensor? Logits(Tensor x)
    {
        if (Classes == 0)
            return null;
        using DisposeScope scope = NewDisposeScope();
        if (_isMixture)
        {
            Tensor[] joint = [.. _terms.Select(term => _parts[term.Part].Logits(x)!.add(Kept(Math.Log(term.Weight)), Kept(1)))];
            return stack(joint, 2).logsumexp(2).MoveToOuterDisposeScope();
        }
        Tensor logits = _parts[_terms[_classifier].Part].Logits(x)!;
        foreach ((int i, ComposedTerm term) in _terms.Index().Where(term => term.Index != _classifier))
            logits = logits.sub(_parts[term.Part].Energy(x, LabelOf(i, x, null)).mul(Kept(term.Weight)).unsqueeze(1));
        return logits.MoveToOuterDisposeScope();
    }

    internal override void RefreshCopies()
    {
        foreach (EnergyModel part in _parts.OfType<EnergyModel>())
            part.RefreshCopies();
    }

    protected override void DisposeCopies()
    {
        foreach (IEnergyModel part in _parts)
            part.Dispose();
    }

    private (Tensor Energy, Tensor Gradient) OfProduct(Tensor x, Tensor? labels)
    {
        var energies = new Tensor[_terms.Length];
        Tensor? sum = null;
        foreach (int part in Enumerable.Range(0, _parts.Length))
        {
            int[] terms = TermsOf(part);
            if (terms.Length > 1 && _parts[part] is ILogitEnergy classifier)
            {
                Add(OfLogits(classifier, terms, x, labels, energies), 1);
                continue;
            }
            foreach (int term in terms)
            {
                (energies[term], Tensor gradient) = _parts[part].EnergyAndGradient(x, LabelOf(term, x, labels));
                Add(gradient, _terms[term].Weight);
            }
        }
        return (Combine(energies), sum!);

        void Add(Tensor gradient, double weight)
        {
            Tensor weighted = gradient.to(ScalarType.Float64).mul(Kept(weight));
            sum = sum is null ? weighted : sum.add_(weighted, alpha: Kept(1));
        }
    }

    /// <summary>dE/df of sum_i w_i E(x, y_i) is the sum of -w_i at y_i, and of -w_i softmax(f) where a term has no label.</summary>
    private Tensor OfLogits(ILogitEnergy classifier, int[] terms, Tensor x, Tensor? labels, Tensor[] energies)
    {
        (Tensor logits, Tensor gradient) = classifier.LogitsAndGradient(x, each =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor slope = zeros_like(each);
            foreach (int term in terms)
            {
                Tensor share = LabelOf(term, x, labels) is { } label
                    ? zeros_like(each).scatter_(1, label.unsqueeze(1), ones([x.shape[0], 1], ScalarType.Float64, x.device)) : each.softmax(1);
                slope.sub_(share.mul(Kept(_terms[term].Weight)));
            }
            return slope.MoveToOuterDisposeScope();
        });
        foreach (int term in terms)
            energies[term] = EnergyOfLogits(logits, LabelOf(term, x, labels));
        return gradient;
    }

    private (Tensor Energy, Tensor Gradient) OfMixture(Tensor x, Tensor? labels)
    {
        (Tensor Energy, Tensor Gradient)[] terms = [.. _terms.Select((term, i) => _parts[term.Part].EnergyAndGradient(x, LabelOf(i, x, labels)))];
        Tensor shares = LogDensities([.. terms.Select(term => term.Energy)]).softmax(1);
        long[] perRow = [x.shape[0], .. Enumerable.Repeat(1L, x.shape.Length - 1)];
        Tensor sum = zeros(x.shape, ScalarType.Float64, x.device);
        foreach ((int i, (Tensor Energy, Tensor Gradient) term) in terms.Index())
            sum.add_(term.Gradient.to(ScalarType.Float64).mul(shares.select(1, i).contiguous().view(perRow)), alpha: Kept(1));
        return (Combine([.. terms.Select(term => term.Energy)]), sum);
    }

    private Tensor Combine(Tensor[] energies)
    {
        if (_isMixture)
            return LogDensities(energies).logsumexp(1).neg();
        Tensor sum = energies[0].mul(Kept(_terms[0].Weight));
        for (int i = 1; i < energies.Length; i++)
            sum = sum.add(energies[i].mul(Kept(_terms[i].Weight)), alpha: Kept(1));
        return sum;
    }

    /// <returns>log w_i - E_i, (n, terms).</returns>
    private Tensor LogDensities(Tensor[] energies) => stack(energies.Select((energy, i) => energy.neg().add(Kept(Math.Log(_terms[i].Weight)), Kept(1))), 1);

    /// <summary>A term's own class, or where it has none and its part has classes, those of the rows.</summary>
    private Tensor? LabelOf(int term, Tensor x, Tensor? labels) => _terms[term].Label is { } label
        ? full([x.shape[0]], Kept(label), ScalarType.Int64, x.device)
        : _parts[_terms[term].Part].Classes > 0 ? labels : null;

    private int[] TermsOf(int part) => [.. _terms.Index().Where(term => term.Item.Part == part).Select(term => term.Index)];
}
