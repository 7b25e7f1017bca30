using EbmService.Core.Models;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Models;

/// <inheritdoc cref="IModelPictures"/>
internal sealed class ModelPictures : IModelPictures
{
    private const string Folder = "pictures";
    private const int MostListed = 100;
    private const long LargestBytes = 16 << 20;

    private readonly RepositoryFolder _repository;

    public ModelPictures(IOptions<ModelsOptions> options) =>
        _repository = new RepositoryFolder(ModelRepository.Locate(options.Value.Path), options.Value.AllowedLinkTargets);

    public IReadOnlyList<string> List(string model)
    {
        string folder = FolderOf(model);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*.png").Select(file => Path.GetFileName(file)).Where(ModelNames.IsValid).Order(StringComparer.Ordinal).Take(MostListed)]
            : [];
    }

    public byte[]? TryRead(string model, string name)
    {
        if (!name.EndsWith(".png", StringComparison.Ordinal) || !ModelNames.IsValid(name))
            return null;
        try
        {
            return _repository.TryRead(FolderOf(model), name, LargestBytes);
        }
        catch (InvalidModelException)
        {
            // A link that leaves the repository, or too large: not a picture to show.
            return null;
        }
    }

    private string FolderOf(string model) => Path.Combine(_repository.Root, model, Folder);
}
