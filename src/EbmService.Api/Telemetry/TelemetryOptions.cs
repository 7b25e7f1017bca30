using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Telemetry;

/// <summary>Section <c>Telemetry</c>: where metrics and traces go. What the metrics tell of tenants is in the same section (JobsTelemetryOptions).</summary>
public sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <value>Whether there are metrics and traces at all; true by default. OTEL_SDK_DISABLED=true switches them off too.</value>
    public bool Enabled { get; set; } = true;

    /// <value>Whether GET /metrics answers; true by default.</value>
    public bool Prometheus { get; set; } = true;

    [ValidateObjectMembers]
    public OtlpOptions Otlp { get; set; } = new();
}

/// <summary>Section <c>Telemetry:Otlp</c>: a collector that metrics, traces and logs are sent to. The variables OTEL_EXPORTER_OTLP_* say the same, and more.</summary>
public sealed class OtlpOptions : IValidatableObject
{
    /// <value>For example <c>http://localhost:4317</c>; nothing is sent without one.</value>
    public string? Endpoint { get; set; }

    /// <value><c>grpc</c> (default) or <c>http/protobuf</c>.</value>
    [RegularExpression("^(grpc|http/protobuf)$", ErrorMessage = "Telemetry:Otlp:Protocol must be grpc or http/protobuf.")]
    public string Protocol { get; set; } = "grpc";

    /// <value>Sent along, <c>name=value,name=value</c>: what the collector wants of its clients. A secret.</value>
    public string? Headers { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Endpoint) && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"))
            yield return new ValidationResult("Telemetry:Otlp:Endpoint must be an address that begins with http:// or https://, for example http://localhost:4317.");
    }
}

/// <summary>Checks all members and reports all errors together.</summary>
[OptionsValidator]
internal sealed partial class TelemetryOptionsValidator : IValidateOptions<TelemetryOptions>;
