using System.Globalization;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;

namespace EbmService.Inference.Composition;

/// <summary>What is wrong with a composition, by member of the request; every fault, not the first.</summary>
internal static class CompositionRules
{
    private const int MaxText = 2000;

    /// <summary>What can be said before any model is looked at.</summary>
    internal static IEnumerable<FieldError> Faults(CompositionRequest request)
    {
        const string Rule = "It must begin with a letter or digit and have at most 64 letters, digits, dots, hyphens and underscores.";
        if (!ModelNames.IsValid(request.Name))
            yield return new FieldError("name", Rule);
        if (!ModelNames.IsValid(request.Version))
            yield return new FieldError("version", Rule);
        if (request.Kind != CompositionRequest.ComposedKind)
            yield return new FieldError("kind", $"The one kind of model that is made of others is '{CompositionRequest.ComposedKind}'.");
        if (!Enum.IsDefined(request.Combine))
            yield return new FieldError("combine", "It is product or mixture.");
        if (request.Title is { } title && (string.IsNullOrWhiteSpace(title) || title.Length > MaxText))
            yield return new FieldError("title", $"It must not be blank, and have at most {MaxText} characters.");
        if (request.Description?.Length > MaxText)
            yield return new FieldError("description", $"It must have at most {MaxText} characters.");
        if (request.Terms.Count is < 1 or > CompositionRequest.MaxTerms)
        {
            yield return new FieldError("terms", string.Create(CultureInfo.InvariantCulture,
                $"There are {request.Terms.Count} terms; 1 to {CompositionRequest.MaxTerms} are possible."));
            yield break;
        }
        foreach ((int i, CompositionTerm? term) in request.Terms.Index())
        {
            if (term is null)
                yield return new FieldError($"terms[{i}]", "A term is an object with a model in it.");
            else if (term.Weight == 0 || !double.IsFinite(term.Weight))
                yield return new FieldError($"terms[{i}].weight", "A weight is a finite number other than 0.");
            else if (request.Combine == CombineRule.Mixture && term.Weight < 0)
                yield return new FieldError($"terms[{i}].weight", "Weights of a mixture are above 0: a density less another one is none. A product can divide.");
        }
    }

    /// <summary>What the models that the terms name can't be part of.</summary>
    /// <param name="models">Of each term.</param>
    internal static IEnumerable<FieldError> Faults(CompositionRequest request, IReadOnlyList<HostedModel> models)
    {
        InputSchema input = models[0].Descriptor!.Input;
        foreach ((int i, HostedModel model) in models.Index())
        {
            string name = $"'{model.Key.Name}'";
            ModelDescriptor descriptor = model.Descriptor!;
            if (InputFault(input, descriptor.Input) is { } fault)
                yield return new FieldError($"terms[{i}].model", $"Terms share one input, but {name} {fault} of '{models[0].Key.Name}'.");
            if (descriptor.Architecture.Spec().Family().TakesModule)
                yield return new FieldError($"terms[{i}].model", $"{name} is code ({descriptor.Architecture.Kind}), which a composition can't copy.", FailureCode.NotSupported);
            if (model.Capabilities.Latents.Count > 0)
                yield return new FieldError($"terms[{i}].model", $"{name} has latent variables, which a composition can't have.", FailureCode.NotSupported);
            if (request.Terms[i].Label is not { } label)
                continue;
            if (CapabilityRules.Refuse(model, $"terms[{i}].label", "A label", "leave it out", ModelCapability.Classes) is { } refusal)
                yield return refusal;
            else if (label < 0 || label >= model.Capabilities.Classes)
                yield return new FieldError($"terms[{i}].label", $"The classes of {name} are 0 to {model.Capabilities.Classes - 1}.");
        }
    }

    private static string? InputFault(InputSchema first, InputSchema other) =>
        other.Kind != first.Kind || !other.Shape.SequenceEqual(first.Shape) ? $"has the shape [{string.Join(", ", other.Shape)}], not [{string.Join(", ", first.Shape)}]"
        : other.Variables != first.Variables ? "has other variables than those"
        : other.Min != first.Min || other.Max != first.Max
            ? string.Create(CultureInfo.InvariantCulture, $"has the range {other.Min} to {other.Max}, not {first.Min} to {first.Max}")
        : null;
}
