using System.Runtime.CompilerServices;
using Xunit;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>A test of some minutes: runs where EBM_TEST_SOAK is 1 too.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SoakFactAttribute : FactAttribute
{
    public const string Variable = "EBM_TEST_SOAK";

    public SoakFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Timeout = 900_000;
        if (!EndToEndFactAttribute.IsEnabled || Environment.GetEnvironmentVariable(Variable) != "1")
            Skip = $"Takes the real service for minutes: set {EndToEndFactAttribute.Variable}=1 and {Variable}=1 to run it.";
    }
}
