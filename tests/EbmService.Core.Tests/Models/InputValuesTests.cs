using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Models;

public sealed class InputValuesTests
{
    private static readonly InputSchema Schema = new(InputKind.Image, [1, 5, 8], -1, 1);

    public static TheoryData<float, int> Places => new(
        from value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1.5f, -1.5f }
        from place in new[] { 0, 7, 16, 31, 33, 39 }
        select (value, place));

    /// <summary>Several values are looked at together: none may slip through, wherever it stands.</summary>
    [Theory]
    [MemberData(nameof(Places))]
    public void FindOutside_OneValueAmongMany_IsFoundAtItsPlace(float value, int place)
    {
        float[] values = [.. Enumerable.Range(0, 40).Select(i => i / 20f - 1)];
        Assert.Null(InputValues.FindOutside(new TensorPayload([1, 1, 5, 8], values), Schema));
        Assert.Equal(-1, InputValues.FindNotFinite(values));

        values[place] = value;

        Assert.Equal(place, InputValues.FindOutside(new TensorPayload([1, 1, 5, 8], values), Schema)?.Index);
        Assert.Equal(float.IsFinite(value) ? -1 : place, InputValues.FindNotFinite(values));
    }

    [Fact]
    public void WarningOf_NoneBelowZero_NamesTheScale()
    {
        float[] values = [.. Enumerable.Range(0, 40).Select(i => i / 40f)];
        Assert.Contains("between 0 and 0.975", InputValues.WarningOf(new TensorPayload([1, 1, 5, 8], values), Schema), StringComparison.Ordinal);

        values[39] = -0.1f;
        Assert.Null(InputValues.WarningOf(new TensorPayload([1, 1, 5, 8], values), Schema));
    }
}
