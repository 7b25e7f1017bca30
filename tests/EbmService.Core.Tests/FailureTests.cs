using EbmService.Core.Failures;

namespace EbmService.Core.Tests;

public sealed class FailureTests
{
    [Fact]
    public void OrThrow_Failure_CarriesIt()
    {
        Outcome<int> sut = new Failure(FailureCode.QueueFull, "full", "later");

        var thrown = Assert.Throws<FailureException>(() => sut.OrThrow());

        Assert.Equal((FailureCode.QueueFull, "full", "later"), (thrown.Failure.Code, thrown.Failure.Message, thrown.Failure.Remedy));
    }

    [Fact]
    public void OrThrow_Value_IsIt() => Assert.Equal(7, ((Outcome<int>)7).OrThrow());
}
