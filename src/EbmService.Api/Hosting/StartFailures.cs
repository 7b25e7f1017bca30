using EbmService.Inference.Devices;
using EbmService.Jobs.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Hosting;

/// <summary>What the operator can put right: one message and exit code 1 instead of a stack trace.</summary>
internal static class StartFailures
{
    private const string BinderAssembly = "Microsoft.Extensions.Configuration.Binder";

    /// <summary>From now on in this process; everything else still ends as a crash.</summary>
    internal static void ReportUnhandled()
    {
        // Not a catch: hosts that embed the service, as tests do, must see the exception.
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            if (Describe((Exception)unhandled.ExceptionObject) is not { } message)
                return;
            Console.Error.WriteLine($"The service did not start: {message}");
            Environment.Exit(1);
        };
    }

    /// <summary>Null when the exception is no matter of configuration.</summary>
    internal static string? Describe(Exception exception) => exception switch
    {
        StartRefusedException or StorageUnavailableException or DeviceUnavailableException => exception.Message,
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        AggregateException all when all.InnerExceptions.All(inner => Describe(inner) is not null) =>
            string.Join(" ", all.InnerExceptions.Select(Describe)),
        // The binder has no exception of its own.
        InvalidOperationException { Source: BinderAssembly } => $"{exception.Message} {exception.InnerException?.Message}".TrimEnd(),
        IOException { InnerException: AddressInUseException } => exception.Message,
        _ => null,
    };
}

/// <summary>The configuration asks for something this service does not do; the message says what to change.</summary>
internal sealed class StartRefusedException(string message) : Exception(message);
