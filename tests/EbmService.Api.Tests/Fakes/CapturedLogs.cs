using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EbmService.Api.Tests.Fakes;

/// <summary>Everything that is logged: messages, values, scopes and exceptions.</summary>
internal sealed class CapturedLogs : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    internal ConcurrentQueue<(string Category, string Text)> Entries { get; } = new();

    internal string[] Of(string category) => [.. Entries.Where(entry => entry.Category == category).Select(entry => entry.Text)];

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class Logger(CapturedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = new List<string> { formatter(state, exception) };
            if (state is IEnumerable<KeyValuePair<string, object?>> values)
                text.AddRange(values.Select(value => $"{value.Key}={value.Value}"));
            logs._scopes.ForEachScope((scope, all) => all.Add(Describe(scope)), text);
            if (exception is not null)
                text.Add(exception.ToString());
            logs.Entries.Enqueue((category, string.Join('\n', text)));
        }

        private static string Describe(object? scope) => scope is IEnumerable<KeyValuePair<string, object?>> values
            ? string.Join(' ', values.Select(value => $"{value.Key}={value.Value}")) : $"{scope}";
    }
}
