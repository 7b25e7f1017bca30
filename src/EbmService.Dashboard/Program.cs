using EbmService.Client;
using EbmService.Dashboard;
using EbmService.Dashboard.Layout;
using EbmService.Dashboard.Live;
using EbmService.Dashboard.Start;
using Microsoft.AspNetCore.Components.WebAssembly.Hosting;
using MudBlazor;
using MudBlazor.Services;

WebAssemblyHostBuilder builder = WebAssemblyHostBuilder.CreateDefault(args);
builder.RootComponents.Add<App>("#app");
builder.Services.AddMudServices(settings => settings.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomLeft);
builder.Services.AddSingleton(TimeProvider.System);
// The service is what /dashboard/ lies under, wherever a proxy puts it.
var service = new Uri(new Uri(builder.HostEnvironment.BaseAddress), "../");
builder.Services.AddEbmClient(options =>
{
    options.BaseAddress = service;
    options.ReconnectTimeout = Timeout.InfiniteTimeSpan;
    // A person waits: two tries, and then the page says what is wrong.
    options.MaxRetries = 2;
});
builder.Services.AddScoped<Browser>().AddScoped<Session>().AddScoped<Ticker>().AddScoped<JobFeed>().AddScoped<ServiceAccess>().AddScoped<ApiDescription>();
await builder.Build().RunAsync();
