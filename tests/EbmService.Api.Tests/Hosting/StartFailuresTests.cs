using EbmService.Api.Hosting;
using EbmService.Api.Tests.WholeService;
using Microsoft.Extensions.Options;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

public sealed class StartFailuresTests : IDisposable
{
    private readonly ServiceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Limits:MaxBatch", "abc", "Limits:MaxBatch")]
    [InlineData("Limits:MaxBatch", "0", "MaxBatch")]
    [InlineData("Security:AllowUnauthenticatedNetwork", "maybe", "Security:AllowUnauthenticatedNetwork")]
    [InlineData("Device:Kind", "cuda:99", "Device:Kind")]
    [InlineData("Storage:DataPath", "/dev/null/data", "Storage:DataPath")]
    [InlineData("urls", "http://0.0.0.0:5999", "Security:AllowUnauthenticatedNetwork")]
    [InlineData("Limits:MaxQuestionRows", "64", "MaxQueryRows")]
    public void Describe_WhatAMisconfiguredStartThrows_NamesTheSettingInOneLine(string setting, string value, string named)
    {
        using var factory = new ServiceFactory(_folder, (setting, value));
        Exception thrown = Assert.ThrowsAny<Exception>(() => factory.CreateClient());

        string? message = StartFailures.Describe(thrown);

        Assert.NotNull(message);
        Assert.Contains(named, message);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Describe_SeveralInvalidSections_GivesAllMessages()
    {
        var several = new AggregateException(
            new OptionsValidationException("", typeof(object), ["one", "two"]),
            new OptionsValidationException("", typeof(object), ["three"]));

        Assert.Equal("one two three", StartFailures.Describe(several));
        Assert.Null(StartFailures.Describe(new AggregateException(several, new InvalidOperationException("a defect"))));
    }

    [Fact]
    public void Describe_Defect_IsNull() => Assert.Null(StartFailures.Describe(new InvalidOperationException("a defect")));
}
