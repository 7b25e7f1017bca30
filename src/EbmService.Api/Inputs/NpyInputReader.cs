using System.Text;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Api.Inputs;

/// <summary>A body of type application/x-npy: one batch; uint8 counts as pixel levels.</summary>
internal static class NpyInputReader
{
    internal const string Field = "body";

    internal static Outcome<TensorPayload> Read(ReadOnlySpan<byte> body, InputSchema schema)
    {
        try
        {
            TensorPayload batch = NpyFormat.Read(body);
            string header = Encoding.Latin1.GetString(body[..Math.Min(body.Length, 128)]);
            return header.Contains("'|u1'", StringComparison.Ordinal) ? InputShape.FromLevels(batch, schema) : batch;
        }
        catch (FormatException wrong)
        {
            return Failure.OfFields([new FieldError(Field, $"The .npy can't be read: {wrong.Message}.")]);
        }
    }
}
