using EbmService.Api.Tests.Fakes;
using EbmService.Core.Devices;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Inference.Imaging;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Keys;
using EbmService.Jobs.Queries;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbmService.Api.Tests;

/// <summary>The real HTTP layer over fakes of the ports: what the engine does is the test's to say.</summary>
public sealed class ApiFactory : WebApplicationFactory<Program>
{
    internal FakeQueryDispatcher Queries { get; } = new();

    internal FakeJobService Jobs { get; } = new();

    internal FakeWorkerMonitor Worker { get; } = new();

    internal FakeApiKeys Keys { get; } = new();

    internal TimeProvider? Clock { get; init; }

    /// <value>Where given, everything that is logged goes there, whatever its level.</value>
    internal CapturedLogs? Logs { get; init; }

    internal Dictionary<string, string> Settings { get; init; } = [];

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment(Environments.Production);
        foreach ((string key, string value) in Settings)
            builder.UseSetting(key, value);
        builder.ConfigureTestServices(services =>
        {
            // The worker would start slots over the fakes.
            foreach (ServiceDescriptor worker in services.Where(IsWorker).ToArray())
                services.Remove(worker);
            var models = new FakeModelCatalog();
            services.Replace(ServiceDescriptor.Singleton<IModelCatalog>(models));
            services.Replace(ServiceDescriptor.Singleton<IModelLoader>(models));
            services.Replace(ServiceDescriptor.Singleton<IQueryDispatcher>(Queries));
            services.Replace(ServiceDescriptor.Singleton<IJobService>(Jobs));
            services.Replace(ServiceDescriptor.Singleton<IWorkerMonitor>(Worker));
            services.Replace(ServiceDescriptor.Singleton<IComputeDevice>(new FakeDevice()));
            services.Replace(ServiceDescriptor.Singleton<IApiKeys>(Keys));
            if (Clock is not null)
                services.Replace(ServiceDescriptor.Singleton(Clock));
            if (Logs is not null)
            {
                services.AddSingleton<ILoggerProvider>(Logs);
                services.PostConfigure<LoggerFilterOptions>(filter => (filter.MinLevel, _) = (LogLevel.Trace, Clear(filter.Rules)));
            }
            services.Replace(ServiceDescriptor.Singleton<IImageCodec>(new SkiaImageCodec()));
        });
    }

    private static bool Clear(IList<LoggerFilterRule> rules)
    {
        rules.Clear();
        return true;
    }

    private static bool IsWorker(ServiceDescriptor service) =>
        service.ServiceType == typeof(IHostedService)
        && (service.ImplementationType
            ?? service.ImplementationFactory?.GetType().GenericTypeArguments[^1])?.Assembly == typeof(IJobService).Assembly;
}
