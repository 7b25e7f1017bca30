using System.Runtime.CompilerServices;
using Xunit;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>A test that starts the real service: runs where EBM_TEST_E2E is 1, as .ci/run sets it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EndToEndFactAttribute : FactAttribute
{
    public const string Variable = "EBM_TEST_E2E";

    public EndToEndFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        // Seconds on two cores of one's own; minutes where others use them too.
        Timeout = 280_000;
        if (!IsEnabled)
            Skip = $"Starts the real service and uses all cores for a minute: set {Variable}=1 to run it.";
    }

    public static bool IsEnabled => Environment.GetEnvironmentVariable(Variable) == "1";
}
