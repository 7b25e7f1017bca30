using EbmService.Dashboard.Layout;
using Microsoft.AspNetCore.Components;

namespace EbmService.Dashboard.Live;

/// <summary>Draws itself on a tick, where what it shows has changed since.</summary>
public abstract class LiveComponent : ComponentBase, IDisposable
{
    private long _drawn = -1;

    [Inject]
    protected Ticker Ticker { get; set; } = null!;

    [Inject]
    protected JobFeed Feed { get; set; } = null!;

    /// <value>Ticks between two drawings.</value>
    protected virtual int Every => 3;

    /// <value>Grows when there is something new.</value>
    protected virtual long Version => Feed.Version;

    public virtual void Dispose()
    {
        Ticker.Ticked -= OnTick;
        GC.SuppressFinalize(this);
    }

    protected override void OnInitialized() => Ticker.Ticked += OnTick;

    /// <summary>Before it is drawn for an event.</summary>
    protected virtual Task UpdateAsync() => Task.CompletedTask;

    private void OnTick()
    {
        if (Ticker.Count % Every != 0 || Version == _drawn)
            return;
        _drawn = Version;
        _ = InvokeAsync(async () =>
        {
            await UpdateAsync();
            StateHasChanged();
        });
    }
}
