using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Restoration;

/// <summary>Holds a damage against a model's input. Every fault is reported.</summary>
internal static class DamageRules
{
    private const int MaxBoxes = 64;
    private const int MaxMatrixRows = 4096;

    public static IReadOnlyList<FieldError> Check(Damage damage, InputSchema input)
    {
        var errors = new List<FieldError>();
        string kind = JsonNamingPolicy.CamelCase.ConvertName(damage.Kind.ToString());
        CheckMembers(damage, kind, errors);
        bool isPicture = input is { Kind: InputKind.Image, Shape.Count: 3 };
        if (damage.Kind is DamageKind.Box or DamageKind.Half or DamageKind.Blur or DamageKind.Downsample && !isPicture)
            errors.Add(new("spec.damage.kind", $"{kind} is a damage of pictures, and the model's inputs are none: use mask, noise or matrix.", FailureCode.NotSupported));
        if (input.Variables == VariableKind.Categorical && damage is not { IsExact: true })
            errors.Add(new("spec.damage.kind", "The model's variables are categorical: only missing numbers can be restored, by mask without sigma.", FailureCode.NotSupported));
        Require(errors, damage.Sigma is null || (damage.Sigma > 0 && damage.Sigma <= 1e6), "sigma", "must be above 0 and at most 1e6: the noise's standard deviation in units of the input.");
        if (errors.Count > 0)
            return errors;
        switch (damage.Kind)
        {
            case DamageKind.Mask:
                CheckMask(damage.Mask!, input, errors);
                break;
            case DamageKind.Box:
                CheckBoxes(damage, input, errors);
                break;
            case DamageKind.Half:
                bool isAcross = damage.Side is PictureSide.Left or PictureSide.Right;
                Require(errors, input.Shape[isAcross ? 2 : 1] >= 2, "side", "hides nothing of a picture of one pixel.");
                break;
            case DamageKind.SaltAndPepper:
                Require(errors, damage.Share is > 0 and < 1, "share", "must be above 0 and below 1.");
                break;
            case DamageKind.Blur:
                CheckKernel(damage.Kernel!, input, errors);
                break;
            case DamageKind.Downsample:
                int factor = damage.Factor!.Value;
                Require(errors, factor >= 2 && input.Shape[1] % factor == 0 && input.Shape[2] % factor == 0, "factor",
                    $"must be 2 or more and divide the picture's {input.Shape[1]} rows and {input.Shape[2]} columns.");
                break;
            case DamageKind.Matrix:
                TensorPayload matrix = damage.Matrix!;
                Require(errors, matrix.Shape.Count == 2 && matrix.Shape[0] is >= 1 and <= MaxMatrixRows && matrix.Shape[1] == input.Length(), "matrix",
                    $"must have the shape [m, {input.Length()}] with m from 1 to {MaxMatrixRows}; it has [{string.Join(", ", matrix.Shape)}].");
                CheckNumbers(matrix, "matrix", errors);
                break;
        }
        return errors;
    }

    /// <summary>A member that the kind would ignore is an error: the client believes that it does something.</summary>
    private static void CheckMembers(Damage damage, string kind, List<FieldError> errors)
    {
        (bool Given, string Name, bool Needed)[] members =
        [
            (damage.Mask is not null, "mask", damage.Kind == DamageKind.Mask),
            (damage.Boxes is not null, "boxes", damage.Kind == DamageKind.Box),
            (damage.Side is not null, "side", damage.Kind == DamageKind.Half),
            (damage.Share is not null, "share", damage.Kind == DamageKind.SaltAndPepper),
            (damage.Kernel is not null, "kernel", damage.Kind == DamageKind.Blur),
            (damage.Factor is not null, "factor", damage.Kind == DamageKind.Downsample),
            (damage.Matrix is not null, "matrix", damage.Kind == DamageKind.Matrix),
        ];
        foreach ((bool given, string name, bool needed) in members)
        {
            Require(errors, given || !needed, name, $"is needed by the kind {kind}.");
            Require(errors, !given || needed, name, $"has no meaning for the kind {kind}: leave it out.");
        }
        Require(errors, damage.Sigma is not null || damage.HasMissing || damage.Kind == DamageKind.SaltAndPepper, "sigma",
            $"is needed by the kind {kind}: the noise's standard deviation in units of the input, above 0.");
    }

    private static void CheckMask(TensorPayload mask, InputSchema input, List<FieldError> errors)
    {
        bool fits = mask.Shape.SequenceEqual(input.Shape);
        Require(errors, fits, "mask", $"must have the shape [{string.Join(", ", input.Shape)}]; it has [{string.Join(", ", mask.Shape)}].");
        if (!fits)
            return;
        Require(errors, mask.Values.All(value => value is 0 or 1), "mask", "has 1 where a number is missing and 0 where it is known, nothing else.");
        Require(errors, mask.Values.Contains(1), "mask", "hides nothing: there is nothing to restore.");
        Require(errors, mask.Values.Contains(0), "mask", "hides everything: nothing of the inputs is left; a sampling job draws from the model alone.");
        Require(errors, input.Variables != VariableKind.Categorical || mask.Values.Chunk(input.Shape[^1]).All(one => one.Distinct().Count() == 1), "mask",
            "must hide or show all categories of a variable together.");
    }

    private static void CheckBoxes(Damage damage, InputSchema input, List<FieldError> errors)
    {
        IReadOnlyList<DamageBox> boxes = damage.Boxes!;
        (int height, int width) = (input.Shape[1], input.Shape[2]);
        Require(errors, boxes.Count is >= 1 and <= MaxBoxes, "boxes", $"must be 1 to {MaxBoxes} rectangles: without one nothing is hidden.");
        bool inside = boxes.All(box => box is { Top: >= 0, Left: >= 0, Height: >= 1, Width: >= 1 } && box.Height <= height - box.Top && box.Width <= width - box.Left);
        Require(errors, inside, "boxes", $"must lie within the picture's {height} rows and {width} columns and be at least one pixel.");
        if (inside && boxes.Count is >= 1 and <= MaxBoxes)
            Require(errors, damage.Missing(input.Shape).Contains(false), "boxes", "hide everything: nothing of the inputs is left.");
    }

    private static void CheckKernel(TensorPayload kernel, InputSchema input, List<FieldError> errors)
    {
        bool fits = kernel.Shape.Count == 2 && kernel.Values.Length > 0 && kernel.Shape[0] <= input.Shape[1] && kernel.Shape[1] <= input.Shape[2];
        Require(errors, fits, "kernel",
            $"must have the shape [rows, columns], at most the picture's {input.Shape[1]} by {input.Shape[2]}; it has [{string.Join(", ", kernel.Shape)}].");
        CheckNumbers(kernel, "kernel", errors);
    }

    private static void CheckNumbers(TensorPayload numbers, string member, List<FieldError> errors)
    {
        Require(errors, numbers.Values.All(float.IsFinite), member, "must be finite numbers.");
        Require(errors, numbers.Values.Any(value => value != 0), member, "is all zeros: it observes nothing.");
    }

    private static void Require(List<FieldError> errors, bool holds, string member, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.damage.{member}", $"{member} {rule}"));
    }
}
