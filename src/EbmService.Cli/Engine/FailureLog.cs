using Microsoft.Extensions.Logging;

namespace EbmService.Cli.Engine;

/// <summary>Keeps the latest exception that the engine logged; what a command says of it goes through its own words. Thread-safe.</summary>
internal sealed class FailureLog : ILoggerProvider, ILogger
{
    private volatile Exception? _latest;

    public Exception? Latest => _latest;

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is not null && IsEnabled(logLevel))
            _latest = exception;
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Dispose()
    {
        // Holds nothing open.
    }
}
