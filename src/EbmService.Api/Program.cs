using EbmService.Api.Hosting;
using EbmService.Api.Telemetry;
using EbmService.Inference;
using EbmService.Inference.Data;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using EbmService.Jobs;

StartFailures.ReportUnhandled();
WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    // appsettings.json and the models lie beside the program, wherever it is started from.
    ContentRootPath = AppContext.BaseDirectory,
});

builder.UseServiceDefaults();
builder.Services.AddSingleton(TimeProvider.System);
// First, so that its network guard refuses before a worker or a database starts.
builder.Services.AddApi(builder.Configuration);
builder.Services.Configure<ModelsOptions>(builder.Configuration.GetSection(ModelsOptions.Section));
builder.Services.Configure<DeviceOptions>(builder.Configuration.GetSection(DeviceOptions.Section));
builder.Services.Configure<TrainingOptions>(builder.Configuration.GetSection(TrainingOptions.Section));
builder.Services.Configure<DataOptions>(builder.Configuration.GetSection(DataOptions.Section));
builder.Services.AddInference();
builder.Services.AddJobs(builder.Configuration);
builder.AddTelemetry();

WebApplication app = builder.Build();
app.UseApi();
app.MapApi();
await app.RunAsync();

/// <summary>The entry point; public for tests.</summary>
public partial class Program;
