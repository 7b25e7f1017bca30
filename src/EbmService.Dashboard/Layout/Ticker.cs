namespace EbmService.Dashboard.Layout;

/// <summary>Ten times a second: what events changed is drawn then, however many there were.</summary>
public sealed class Ticker : IDisposable
{
    public const int PerSecond = 10;

    private readonly Timer _timer;

    public Ticker() => _timer = new Timer(_ => Tick(), null, 1000 / PerSecond, 1000 / PerSecond);

    public event Action? Ticked;

    /// <value>Counts the ticks.</value>
    public long Count { get; private set; }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        Count++;
        Ticked?.Invoke();
    }
}
