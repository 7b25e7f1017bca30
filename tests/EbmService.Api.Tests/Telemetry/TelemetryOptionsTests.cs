using EbmService.Api.Telemetry;
using Microsoft.Extensions.Options;
using Xunit;

namespace EbmService.Api.Tests.Telemetry;

public sealed class TelemetryOptionsTests
{
    [Theory]
    [InlineData(null, "grpc", null)]
    [InlineData("", "grpc", null)]
    [InlineData("https://collector.example:4318/otlp", "http/protobuf", null)]
    [InlineData("collector:4317", "grpc", "Telemetry:Otlp:Endpoint")]
    [InlineData("nonsense", "grpc", "Telemetry:Otlp:Endpoint")]
    [InlineData("http://localhost:4317", "json", "Telemetry:Otlp:Protocol")]
    public void Validate_SaysWhatIsWrongWithACollector(string? endpoint, string protocol, string? wrong)
    {
        var options = new TelemetryOptions { Otlp = new OtlpOptions { Endpoint = endpoint, Protocol = protocol } };

        ValidateOptionsResult result = new TelemetryOptionsValidator().Validate(null, options);

        Assert.Equal(wrong is not null, result.Failed);
        if (wrong is not null)
            Assert.Contains(wrong, result.FailureMessage, StringComparison.Ordinal);
    }
}
