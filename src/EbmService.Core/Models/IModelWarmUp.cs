namespace EbmService.Core.Models;

/// <summary>What a slot does with the models before it is ready, so that no query or job pays for a first computation.</summary>
public interface IModelWarmUp
{
    /// <summary>
    /// Computes an energy and a gradient with each model that is ready, on the calling thread; one that can't becomes unavailable. Does
    /// nothing where the configuration wants no warm-up. Each slot calls it on its own thread, several at once.
    /// </summary>
    /// <param name="isStopping">Asked before each model: whether the process stops.</param>
    /// <exception cref="Jobs.DeviceLostException">The device failed, not a model.</exception>
    void WarmUp(Func<bool> isStopping);
}
