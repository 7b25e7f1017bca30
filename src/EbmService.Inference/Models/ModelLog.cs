using EbmService.Core.Models;
using Microsoft.Extensions.Logging;

namespace EbmService.Inference.Models;

/// <summary>Event ids 3000 to 3019 of Inference's 3000 to 3999; an id is never reused.</summary>
internal static partial class ModelLog
{
    [LoggerMessage(3000, LogLevel.Information, "Model {Key} is ready: {Digest}, {Parameters} parameters, read in {Seconds:F2} s")]
    internal static partial void Loaded(ILogger logger, ModelKey key, string digest, long parameters, double seconds);

    [LoggerMessage(3001, LogLevel.Error, "Model {Key} is unavailable: {Reason}")]
    internal static partial void Unavailable(ILogger logger, ModelKey key, string reason, Exception? exception);

    [LoggerMessage(3002, LogLevel.Warning, "The folder {Name} of the model repository is left out: its name is not allowed")]
    internal static partial void NameNotAllowed(ILogger logger, string name);

    [LoggerMessage(3003, LogLevel.Error, "The model repository {Path} does not exist; set Models:Path")]
    internal static partial void NoRepository(ILogger logger, string path);
}
