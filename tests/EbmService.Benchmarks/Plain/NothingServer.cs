using System.Diagnostics;
using EbmService.Core.Tensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace EbmService.Benchmarks.Plain;

/// <summary>A Kestrel in a process of its own whose one endpoint reads the body and answers one number as .npy: what HTTP costs by itself.</summary>
internal sealed class NothingServer : IDisposable
{
    public const string Verb = "nothing";

    private readonly Process _process;

    private NothingServer(Process process, Uri address) => (_process, Client) = (process, new HttpClient { BaseAddress = address });

    public HttpClient Client { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static async Task<NothingServer> StartAsync()
    {
        Process process = Process.Start(new ProcessStartInfo("dotnet", [typeof(NothingServer).Assembly.Location, Verb])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        string address = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The server that does nothing ended early.");
        return new NothingServer(process, new Uri(address));
    }

    /// <summary>The child: says its address and serves until its standard input ends.</summary>
    public static async Task<int> RunAsync(TextReader input, TextWriter output)
    {
        byte[] answer = NpyFormat.Write(new TensorPayload([1], [0]));
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.ContentType = NpyFormat.MediaType;
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer);
        });
        await app.StartAsync();
        await output.WriteLineAsync(app.Urls.First());
        await output.FlushAsync();
        await input.ReadToEndAsync();
        await app.StopAsync();
        return 0;
    }

    public void Dispose()
    {
        Client.Dispose();
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill();
        _process.Dispose();
    }
}
