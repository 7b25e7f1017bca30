using EbmService.Core.Models;
using EbmService.Inference.Models;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Models;

/// <summary>Looks for changed models every Models:PollSeconds; not at all where that is 0.</summary>
internal sealed class ModelPoller(IModelLoader loader, IOptions<ModelsOptions> options, TimeProvider clock, ILogger<ModelPoller> logger)
    : BackgroundService
{
    /// <summary>A look reads the folder's names and times.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TimeSpan between = TimeSpan.FromSeconds(options.Value.PollSeconds);
        if (between == TimeSpan.Zero)
            return;
        using var timer = new PeriodicTimer(between > Shortest ? between : Shortest, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                loader.TakeChanges();
            }
            catch (Exception e)
            {
                ApiLog.ModelsNotPolled(logger, e);
            }
        }
    }
}
