using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using static EbmService.Core.Sampling.SamplingSpecValidator;

namespace EbmService.Core.Sampling;

/// <summary>What holds for start points and held parts.</summary>
internal static class SamplingStartRules
{
    internal static void Check(SamplingSpec spec, HostedModel model, SamplingPolicy policy, List<FieldError> errors)
    {
        InputSchema input = model.Descriptor!.Input;
        if (spec.Start == ChainStart.Buffer && model.BufferSize == 0)
            errors.Add(new("spec.start", $"The model '{model.Key.Name}' has no replay buffer: use 'base'.", FailureCode.NotSupported));
        Require(errors, spec.Start == ChainStart.Data == spec.Data is not null, "data", "and start 'data' go together: give both or neither.");
        Require(errors, spec.Start == ChainStart.Job == spec.StartJob is not null, "startJob", "and start 'job' go together: give both or neither.");
        if (spec.Data is { } data && Fits(data, input, "data", rows: true, policy, errors))
            CheckValues(data, input, spec, "data", errors);
        if (spec.Held is { } held)
            CheckHeld(held, input, spec, policy, errors);
    }

    private static void CheckHeld(HeldPart held, InputSchema input, SamplingSpec spec, SamplingPolicy policy, List<FieldError> errors)
    {
        bool values = Fits(held.Values, input, "held.values", rows: true, policy, errors);
        if (!Fits(held.Mask, input, "held.mask", rows: false, policy, errors))
            return;
        Require(errors, held.Mask.Values.All(value => value is 0 or 1), "held.mask", "has 1 where x is held and 0 where it is free, nothing else.");
        Require(errors, held.Mask.Values.Any(value => value == 0), "held.mask", "leaves nothing free to sample.");
        Require(errors, input.Variables != VariableKind.Categorical || IsWhole(held.Mask, input.Shape[^1]), "held.mask", "must hold or free all categories of a variable together.");
        if (values)
            CheckValues(held.Values, input, spec, "held.values", errors);
    }

    private static bool Fits(TensorPayload tensor, InputSchema input, string field, bool rows, SamplingPolicy policy, List<FieldError> errors)
    {
        bool single = tensor.Shape.SequenceEqual(input.Shape);
        bool fits = single || (rows && tensor.Shape.Count == input.Shape.Count + 1 && tensor.Rows >= 1 && tensor.Shape.Skip(1).SequenceEqual(input.Shape));
        Require(errors, fits, field, $"must have the shape [{string.Join(", ", input.Shape)}]{(rows ? ", or rows of it" : "")}; it has [{string.Join(", ", tensor.Shape)}].");
        bool finite = tensor.Values.All(float.IsFinite);
        Require(errors, finite, field, "must be finite numbers.");
        Limit(errors, tensor.Values.Length <= policy.MaxInlineNumbers, field,
            $"{tensor.Values.Length} numbers are over this server's limit of {policy.MaxInlineNumbers} in a spec: send fewer rows, they are dealt to the chains in turn.");
        return fits && finite && tensor.Values.Length <= policy.MaxInlineNumbers;
    }

    /// <summary>Discrete kernels know no states but those of the alphabet: there nothing else can be allowed.</summary>
    private static void CheckValues(TensorPayload tensor, InputSchema input, SamplingSpec spec, string field, List<FieldError> errors)
    {
        bool isAllowed = spec.OutOfRange == OutOfRange.Allow && !spec.Kernel.IsDiscrete();
        if (!isAllowed && InputValues.FindOutside(tensor, input) is { } outside)
            errors.Add(new($"spec.{field}{tensor.PathOf(outside.Index)}", outside.Rule));
    }

    private static bool IsWhole(TensorPayload mask, int categories) => mask.Values.Chunk(categories).All(one => one.Distinct().Count() == 1);
}
