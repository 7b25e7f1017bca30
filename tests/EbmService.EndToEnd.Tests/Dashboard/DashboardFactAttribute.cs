using System.Runtime.CompilerServices;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Dashboard;

/// <summary>A test that drives Chromium against the real service: runs where EBM_TEST_E2E is 1 and Chromium is installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DashboardFactAttribute : FactAttribute
{
    /// <summary>Where Chromium is, if not in one of the usual places.</summary>
    public const string Variable = "EBM_TEST_CHROMIUM";

    private static readonly string[] s_usual =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

    public DashboardFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Timeout = 280_000;
        if (!EndToEndFactAttribute.IsEnabled)
            Skip = $"Starts the real service and a browser: set {EndToEndFactAttribute.Variable}=1 to run it.";
        else if (Chromium is null)
            Skip = $"Chromium is not installed: apt-get install chromium, or name it in {Variable}.";
    }

    /// <value>The browser's program; null where there is none.</value>
    public static string? Chromium { get; } =
        s_usual.Prepend(Environment.GetEnvironmentVariable(Variable)).FirstOrDefault(path => File.Exists(path));
}
