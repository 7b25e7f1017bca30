namespace EbmService.Api.OpenApi;

/// <summary>Documents a body that the handler reads itself.</summary>
/// <param name="Json">The JSON contract.</param>
/// <param name="Binary">Further media types, sent as they are.</param>
/// <param name="Form">Whether a form with PNG files is read too.</param>
internal sealed record RequestBodyMetadata(Type Json, IReadOnlyList<string> Binary, bool Form = false)
{
    /// <value>Where the member <c>type</c> decides: the contract of each word.</value>
    public IReadOnlyDictionary<string, Type>? ByType { get; init; }
}

/// <summary>Documents an optional request header.</summary>
internal sealed record HeaderParameter(string Name, string Description);

/// <summary>Named JSON bodies that work against the bundled models, and the model that they are for.</summary>
internal sealed record RequestExampleSet(string Model, IReadOnlyList<RequestExample> Examples);

internal sealed record RequestExample(string Name, string Summary, string Json);
