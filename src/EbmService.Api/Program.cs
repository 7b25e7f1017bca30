using EbmService.Api.Hosting;

WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    // appsettings.json and the models lie beside the program, wherever it is started from.
    ContentRootPath = AppContext.BaseDirectory,
});

builder.UseServiceDefaults();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddApi(builder.Configuration);

WebApplication app = builder.Build();
app.UseApi();
app.MapApi();
await app.RunAsync();

/// <summary>The entry point; public for tests.</summary>
public partial class Program;
