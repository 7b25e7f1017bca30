using EbmService.Client;
using MudBlazor;

namespace EbmService.Dashboard.Layout;

/// <summary>Asks the service something and shows what went wrong, once and in the same way on all pages.</summary>
public sealed class ServiceAccess(Session session, ISnackbar messages)
{
    /// <summary>What was wrong; null where the work was done. A wrong key asks for another.</summary>
    public async Task<EbmException?> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return null;
        }
        catch (EbmException failed)
        {
            if (failed.Status == 401)
                session.Refused();
            return failed;
        }
    }

    /// <summary>As <see cref="TryAsync"/>, for what a button does: a failure is shown as a message.</summary>
    /// <returns>Whether it was done.</returns>
    public async Task<bool> DoAsync(Func<Task> work, string? done = null)
    {
        EbmException? failed = await TryAsync(work);
        if (failed is null && done is not null)
            messages.Add(done, Severity.Success);
        else if (failed is { Status: not 401 })
            messages.Add($"{failed.Message} {failed.Remedy}", Severity.Error, options => options.VisibleStateDuration = 10000);
        return failed is null;
    }
}
