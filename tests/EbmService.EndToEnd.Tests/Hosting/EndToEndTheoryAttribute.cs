using System.Runtime.CompilerServices;
using Xunit;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>As <see cref="EndToEndFactAttribute"/>, for several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EndToEndTheoryAttribute : TheoryAttribute
{
    public EndToEndTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Timeout = 240_000;
        if (!EndToEndFactAttribute.IsEnabled)
            Skip = $"Starts the real service and uses all cores for a minute: set {EndToEndFactAttribute.Variable}=1 to run it.";
    }
}
