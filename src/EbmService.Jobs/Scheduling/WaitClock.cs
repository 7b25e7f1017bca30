namespace EbmService.Jobs.Scheduling;

/// <summary>Since when a job, or a tenant's jobs of one priority, go without service. Seconds of a monotonic clock.</summary>
internal struct WaitClock
{
    private int _turn;

    public double Since { get; private set; }

    /// <summary>The wait begins now.</summary>
    public void Restart(double now) => (Since, _turn) = (now, 0);

    /// <summary>A quantum of service ends the wait; one that came by ageing does so only after a whole turn, or it would not be worth opening a block.</summary>
    public void Serve(double now, bool byAgeing, int turnQuanta)
    {
        if (!byAgeing || ++_turn >= turnQuanta)
            Restart(now);
    }
}
