namespace EbmService.Core.Models;

/// <summary>Pictures that lie beside a model: samples, training curves. Thread-safe.</summary>
public interface IModelPictures
{
    /// <summary>Names of the PNG files; none for a model without any.</summary>
    /// <param name="model">The name of a hosted model.</param>
    IReadOnlyList<string> List(string model);

    /// <summary>The file, or null where there is none of that name.</summary>
    /// <param name="model">The name of a hosted model.</param>
    byte[]? TryRead(string model, string name);
}

/// <summary>The pictures of a model.</summary>
public sealed record ModelPicturesResponse(IReadOnlyList<ModelPictureResponse> Pictures);

/// <summary>One picture.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Href">Where it is.</param>
public sealed record ModelPictureResponse(string Name, string Href);
