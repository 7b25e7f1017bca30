using Xunit;

namespace EbmService.Api.Tests;

internal static class Poll
{
    /// <summary>Waits until the condition holds; fails after 10 s.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 500; i++)
        {
            if (await condition())
                return;
            await Task.Delay(20, HttpTestExtensions.Cancel);
        }
        Assert.Fail("The condition did not come true in 10 s.");
    }
}
