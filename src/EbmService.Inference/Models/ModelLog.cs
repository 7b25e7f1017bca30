using EbmService.Core.Models;
using Microsoft.Extensions.Logging;

namespace EbmService.Inference.Models;

/// <summary>Event ids 2000 to 2019.</summary>
internal static partial class ModelLog
{
    [LoggerMessage(2000, LogLevel.Information, "Model {Key} is ready: {Digest}, {Parameters} parameters, read in {Seconds:F2} s")]
    internal static partial void Loaded(ILogger logger, ModelKey key, string digest, long parameters, double seconds);

    [LoggerMessage(2001, LogLevel.Error, "Model {Key} is unavailable: {Reason}")]
    internal static partial void Unavailable(ILogger logger, ModelKey key, string reason, Exception exception);

    [LoggerMessage(2002, LogLevel.Warning, "The folder {Name} of the model repository is left out: its name is not allowed")]
    internal static partial void NameNotAllowed(ILogger logger, string name);

    [LoggerMessage(2003, LogLevel.Error, "The model repository {Path} does not exist; set Models:Path")]
    internal static partial void NoRepository(ILogger logger, string path);
}
