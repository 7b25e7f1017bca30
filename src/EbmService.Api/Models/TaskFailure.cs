using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Api.Models;

internal static class TaskFailure
{
    internal static Failure NotSupported(HostedModel model, ModelTask task)
    {
        string Word(ModelTask name) => JsonNamingPolicy.CamelCase.ConvertName(name.ToString());
        string offered = string.Join(", ", model.Tasks.Select(Word));
        return new(FailureCode.NotSupported, $"The model '{model.Key.Name}' does not offer the task '{Word(task)}'.",
            $"It offers: {offered}. GET /v1/models lists what the others offer.");
    }
}
