using Microsoft.JSInterop;

namespace EbmService.Dashboard.Layout;

/// <summary>The dashboard's own scripts, each loaded when it is first needed.</summary>
public sealed class Browser(IJSRuntime runtime) : IAsyncDisposable
{
    private readonly Dictionary<string, Task<IJSObjectReference>> _modules = [];

    public Task<IJSObjectReference> Page => Module("page");

    public Task<IJSObjectReference> Charts => Module("charts");

    public Task<IJSObjectReference> Film => Module("film");

    public Task<IJSObjectReference> Plane => Module("plane");

    public Task<IJSObjectReference> Sketch => Module("sketch");

    public async Task SaveAsync(string name, string mediaType, byte[] content) =>
        await (await Page).InvokeVoidAsync("save", name, mediaType, content);

    public async Task<bool> CopyAsync(string text) => await (await Page).InvokeAsync<bool>("copy", text);

    public async ValueTask DisposeAsync()
    {
        foreach (Task<IJSObjectReference> module in _modules.Values)
            await (await module).DisposeAsync();
    }

    private Task<IJSObjectReference> Module(string name) => _modules.TryGetValue(name, out Task<IJSObjectReference>? module)
        ? module
        : _modules[name] = runtime.InvokeAsync<IJSObjectReference>("import", $"./js/{name}.js").AsTask();
}
