using System.Text.Json;
using EbmService.Core.Assessment;
using EbmService.Core.Json;
using EbmService.Core.Models;

namespace EbmService.Core.Tests.Json;

public sealed class NullItemsTests
{
    [Theory]
    [InlineData(typeof(AssessmentRequest), """{"outOfDistribution": [null]}""", "$.outOfDistribution")]
    [InlineData(typeof(AssessmentRequest), """{"scores": ["energy", null]}""", "$.scores")]
    [InlineData(typeof(CompositionRequest), """{"kind": "composed", "name": "a", "terms": [null]}""", "$.terms")]
    public void Read_ListWithANull_IsRefusedWithItsPath(Type type, string json, string path)
    {
        JsonException refused = Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(json, type, EbmJson.Options));

        Assert.Equal((path, true), (refused.Path, refused.Message.Contains("is null", StringComparison.Ordinal)));
    }

    [Fact]
    public void Read_ListWithItems_IsRead() =>
        Assert.Equal(["a", "b"], JsonSerializer.Deserialize<AssessmentRequest>("""{"scores": ["a", "b"]}""", EbmJson.Options)!.Scores);
}
