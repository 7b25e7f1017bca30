using Xunit;

namespace EbmService.EndToEnd.Tests.Telemetry;

public sealed class PromQlTests
{
    private const string Expression =
        "1 - sum by (instance, le) (rate(a_bucket{x=\"1\", y=~\"b|c\"}[5m])) / on (z) d_total > 0.8e3 and e unless on (w) f{le=\"0.05\"}";

    [Fact]
    public void MetricsOf_AnExpression_AreItsWordsLessFunctionsAndLabels() =>
        Assert.Equal(["a_bucket", "d_total", "e", "f"], PromQl.MetricsOf(Expression).Order());

    [Fact]
    public void LabelsOf_AnExpression_AreThoseOfSelectorsAndGroups() =>
        Assert.Equal(["instance", "le", "w", "x", "y", "z"], PromQl.LabelsOf(Expression).Order());
}
