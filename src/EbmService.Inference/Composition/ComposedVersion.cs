using System.Globalization;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Composed;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.Composition;

/// <summary>A composed model, ready to be written: it holds copies of all that it computes with.</summary>
/// <param name="Descriptor">Its input and recipes are those of its terms.</param>
/// <param name="Weights">By name; empty where all parts are closed formulas.</param>
/// <param name="Data">For provenance: the versions that it was made of.</param>
public sealed record ComposedVersion(ModelDescriptor Descriptor, IReadOnlyDictionary<string, SafetensorsTensor> Weights, string Data)
{
    private const string NegativeWarning =
        " A weight is negative: if that term's energy grows faster than the others' together, the energy has no lower bound and there is no density to sample; "
        + "chains then leave for where it falls without end, or to the edge of the clamp. Look at what comes out.";

    /// <param name="request">Without faults.</param>
    /// <param name="models">Of each term, without faults.</param>
    internal static ComposedVersion Create(CompositionRequest request, IReadOnlyList<LoadedModel> models)
    {
        // A version that several terms name is one part.
        LoadedModel[] parts = [.. models.DistinctBy(model => (model.Hosted.Key, model.Hosted.Digest))];
        HostedModel[] hosted = [.. parts.Select(part => part.Hosted)];
        var spec = new ComposedSpec(
            [.. hosted.Select(part => new ComposedPart(part.Descriptor!.Architecture, part.Reference()))],
            [.. request.Terms.Select((term, i) => new ComposedTerm(Array.FindIndex(hosted, part => IsSame(part, models[i].Hosted)), term.Weight, term.Label))],
            request.Combine);
        ModelDescriptor first = hosted[0].Descriptor!;
        int classes = spec.Family().Capabilities(spec, first.Input).Classes;
        IReadOnlyDictionary<string, SgldRecipe> recipes = Recipes(hosted);
        string formula = Formula(request, models);
        return new ComposedVersion(
            new ModelDescriptor
            {
                Name = request.Name,
                Title = request.Title ?? $"Composed: {Short(formula)}",
                Description = (request.Description ?? $"{formula}. {Meaning(request.Combine)}") + (request.Terms.Any(term => term.Weight < 0) ? NegativeWarning : ""),
                Architecture = spec,
                Input = first.Input,
                // A composition that has classes has them of a term without a label.
                Labels = classes == 0 ? []
                    : models.Where((model, i) => request.Terms[i].Label is null && model.Hosted.Capabilities.Classes == classes).First().Hosted.Descriptor!.Labels,
                Recipes = recipes,
                DefaultRecipe = recipes.ContainsKey(first.DefaultRecipe) || SgldRecipes.BuiltIn.ContainsKey(first.DefaultRecipe)
                    ? first.DefaultRecipe : SgldRecipes.Langevin,
            },
            parts.SelectMany((part, i) => part.Weights.Select(weight =>
                KeyValuePair.Create(string.Create(CultureInfo.InvariantCulture, $"{i}.{weight.Key}"), weight.Value))).ToDictionary(StringComparer.Ordinal),
            string.Join(", ", hosted.Select(part => $"{part.Key} {part.Digest}")));
    }

    private static bool IsSame(HostedModel one, HostedModel other) => one.Key == other.Key && one.Digest == other.Digest;

    /// <summary>The terms' own, the earlier term's where names are the same; but for those that begin at a replay buffer, which a composition has not.</summary>
    private static Dictionary<string, SgldRecipe> Recipes(IEnumerable<HostedModel> parts) => parts
        .SelectMany(part => part.Descriptor!.Recipes).Where(recipe => recipe.Value.Start != ChainStart.Buffer)
        .DistinctBy(recipe => recipe.Key).ToDictionary(StringComparer.Ordinal);

    private static string Meaning(CombineRule combine) => combine == CombineRule.Product
        ? "The product of the terms' densities, each to the power of its weight."
        : "The mixture of the terms' unnormalised densities.";

    /// <summary>For example: E(x) = 1 E[mnist-jem](x, 3) - 0.5 E[mnist-jem](x, 5).</summary>
    private static string Formula(CompositionRequest request, IReadOnlyList<LoadedModel> models)
    {
        bool isProduct = request.Combine == CombineRule.Product;
        IEnumerable<string> terms = request.Terms.Select((term, i) =>
        {
            string label = term.Label is { } y ? $", {models[i].Hosted.Descriptor!.Labels.ElementAtOrDefault(y) ?? y.ToString(CultureInfo.InvariantCulture)}" : "";
            string energy = $"E[{models[i].Hosted.Key.Name}](x{label})";
            string sign = term.Weight < 0 ? i > 0 ? " - " : "-" : i > 0 ? " + " : "";
            string weight = Math.Abs(term.Weight).ToString("R", CultureInfo.InvariantCulture);
            return sign + (isProduct ? $"{weight} {energy}" : $"{weight} exp(-{energy})");
        });
        return isProduct ? $"E(x) = {string.Concat(terms)}" : $"E(x) = -log({string.Concat(terms)})";
    }

    private static string Short(string text) => text.Length <= 160 ? text : text[..157] + "...";
}
