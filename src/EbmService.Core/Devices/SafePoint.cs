namespace EbmService.Core.Devices;

/// <summary>
/// A place within a long computation on a slot's thread, between two layers of a network for example, where the thread may do something else first and then
/// go on: what is computed doesn't depend on it. A query need not wait for the end of a pass over a block's rows.
/// </summary>
public static class SafePoint
{
    [ThreadStatic]
    private static Action? t_visit;

    /// <summary>From now on <see cref="Reach"/> on this thread makes this call, until the answer is disposed on the same thread.</summary>
    /// <param name="visit">Called often, so it must be cheap where there is nothing to do; safe points that it reaches itself are none.</param>
    public static Admission Admit(Action visit)
    {
        t_visit = visit;
        return default;
    }

    /// <summary>Called by a computation that can wait here; does nothing on a thread where nobody is admitted.</summary>
    public static void Reach()
    {
        if (t_visit is not { } visit)
            return;
        t_visit = null;
        try
        {
            visit();
        }
        finally
        {
            t_visit = visit;
        }
    }

    /// <summary>Ends at its disposal what <see cref="Admit"/> began.</summary>
    public readonly ref struct Admission
    {
        public void Dispose() => t_visit = null;
    }
}
