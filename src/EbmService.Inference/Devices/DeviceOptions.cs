using System.ComponentModel.DataAnnotations;

namespace EbmService.Inference.Devices;

/// <summary>Configuration section <c>Device</c>.</summary>
public sealed class DeviceOptions
{
    public const string Section = "Device";

    /// <value>auto (a GPU where there is one, else the CPU), cpu, or cuda:N. Default auto.</value>
    [RegularExpression("^(auto|cpu|cuda:[0-9]{1,2})$", ErrorMessage = "Device:Kind must be auto, cpu or cuda:N.")]
    public string Kind { get; set; } = "auto";
}
