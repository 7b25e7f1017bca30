using EbmService.Api.Hosting;
using EbmService.Inference;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;

WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    // appsettings.json and the models lie beside the program, wherever it is started from.
    ContentRootPath = AppContext.BaseDirectory,
});

builder.UseServiceDefaults();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.Configure<ModelsOptions>(builder.Configuration.GetSection(ModelsOptions.Section));
builder.Services.Configure<DeviceOptions>(builder.Configuration.GetSection(DeviceOptions.Section));
builder.Services.AddInference();
builder.Services.AddApi(builder.Configuration);

WebApplication app = builder.Build();
app.UseApi();
app.MapApi();
await app.RunAsync();

/// <summary>The entry point; public for tests.</summary>
public partial class Program;
