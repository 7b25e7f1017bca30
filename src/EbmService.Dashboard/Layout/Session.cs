using EbmService.Client;
using Microsoft.JSInterop;

namespace EbmService.Dashboard.Layout;

/// <summary>What this tab knows of its user: the key, kept in the tab's session storage only, and the theme.</summary>
public sealed class Session(Browser browser, EbmClient client)
{
    private const string KeyName = "ebm.key";
    private const string ThemeName = "ebm.theme";

    public event Action? Changed;

    /// <value>The service has refused a request for want of a key, or for a wrong one.</value>
    public bool NeedsKey { get; private set; }

    public bool HasKey => client.Options.ApiKey is not null;

    public bool IsDark { get; private set; }

    /// <value>light, dark or null: as the system says.</value>
    public string? Theme { get; private set; }

    public async Task LoadAsync()
    {
        IJSObjectReference page = await browser.Page;
        client.Options.ApiKey = await page.InvokeAsync<string?>("stored", KeyName, false);
        Theme = await page.InvokeAsync<string?>("stored", ThemeName, true);
        await ApplyThemeAsync();
    }

    public async Task SetKeyAsync(string? key)
    {
        client.Options.ApiKey = string.IsNullOrWhiteSpace(key) ? null : key.Trim();
        NeedsKey = false;
        await (await browser.Page).InvokeVoidAsync("store", KeyName, client.Options.ApiKey, false);
        Changed?.Invoke();
    }

    public async Task SetThemeAsync(string? theme)
    {
        Theme = theme;
        await (await browser.Page).InvokeVoidAsync("store", ThemeName, theme, true);
        await ApplyThemeAsync();
        await (await browser.Charts).InvokeVoidAsync("themeChanged");
        Changed?.Invoke();
    }

    /// <summary>The service answered 401.</summary>
    public void Refused()
    {
        if (NeedsKey)
            return;
        NeedsKey = true;
        Changed?.Invoke();
    }

    private async Task ApplyThemeAsync()
    {
        IJSObjectReference page = await browser.Page;
        IsDark = Theme is null ? await page.InvokeAsync<bool>("prefersDark") : Theme == "dark";
        await page.InvokeVoidAsync("setTheme", IsDark);
    }
}
