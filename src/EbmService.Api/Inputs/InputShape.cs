using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Api.Inputs;

/// <summary>Holds a decoded batch against the model's input schema.</summary>
internal static class InputShape
{
    /// <returns>The batch with its batch dimension (added where one bare input was sent), or field errors.</returns>
    internal static Outcome<TensorPayload> Check(TensorPayload batch, HostedModel model, int maxBatch, string field, OutOfRange outOfRange)
    {
        IReadOnlyList<int> wanted = model.Descriptor!.Input.Shape;
        if (batch.Shape.SequenceEqual(wanted))
            batch = batch with { Shape = [1, .. wanted] };
        if (!batch.Shape.Skip(1).SequenceEqual(wanted) || batch.Rows == 0)
            return Refuse(field, Explain(batch, model, wanted));
        if (batch.Rows > maxBatch)
        {
            return Failure.OfFields([new FieldError(field,
                $"{batch.Rows} inputs are over this server's limit of {maxBatch} per request: send them in several.",
                FailureCode.OverPolicy)]);
        }
        int bad = InputValues.FindNotFinite(batch.Values);
        if (bad >= 0)
            return Refuse(field + batch.PathOf(bad), "NaN and infinities are not allowed (beyond float32's range counts too).");
        return outOfRange == OutOfRange.Refuse && InputValues.FindOutside(batch, model.Descriptor.Input) is { } outside
            ? Refuse(field + batch.PathOf(outside.Index), outside.Rule)
            : batch;
    }

    /// <summary>Maps pixel levels 0..255 to the range of an image model.</summary>
    internal static TensorPayload FromLevels(TensorPayload levels, InputSchema schema)
    {
        double scale = (schema.Max - schema.Min) / 255;
        return levels with { Values = Array.ConvertAll(levels.Values, level => (float)(schema.Min + level * scale)) };
    }

    private static string Explain(TensorPayload batch, HostedModel model, IReadOnlyList<int> wanted)
    {
        string sent = Text(batch.Shape);
        if (batch.Values.Length == 0)
            return $"There are no inputs: send a batch of shape {Text([1, .. wanted])}, or more rows.";
        string hint = batch.Shape.Count == wanted.Count
            ? " The first size is the number of inputs; wrap a single input in one more pair of brackets."
            : "";
        return $"'{model.Key.Name}' takes inputs of shape {Text(wanted)}, so a batch of shape {BatchText(wanted)}; this "
            + $"has shape {sent}.{hint}";
    }

    private static string Text(IReadOnlyList<int> shape) => $"[{string.Join(", ", shape)}]";

    private static string BatchText(IReadOnlyList<int> shape) => $"[n, {string.Join(", ", shape)}]";

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, message)]);
}
