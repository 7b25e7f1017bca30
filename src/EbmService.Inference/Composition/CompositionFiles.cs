using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Files;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Composition;

/// <summary>Composed models as folders, for who has no service.</summary>
public static class CompositionFiles
{
    /// <summary>Reads what the terms name, checks all, and only then writes the model's folder.</summary>
    /// <param name="folder">The new model's folder; its name is the request's.</param>
    /// <param name="repositories">Where each term's model is, in the terms' order.</param>
    /// <returns>The composed version, or what is wrong with the request.</returns>
    /// <exception cref="IOException">There is something in the folder already, or the disk failed.</exception>
    public static Outcome<ComposedVersion> Write(
        string folder, CompositionRequest request, IReadOnlyList<ModelRepository> repositories, Func<ComposedVersion, ModelProvenance> provenance)
    {
        if (Path.Exists(Path.Combine(folder, ModelFiles.Descriptor)))
            throw new IOException($"there is a model in '{folder}' already");
        int term = 0;
        // Folders of terms may lie in several repositories, and models of one name in two of them.
        var of = new Dictionary<HostedModel, ModelRepository>(ReferenceEqualityComparer.Instance);
        Outcome<ComposedVersion> made = ModelComposer.Create(
            request,
            (name, version) =>
            {
                ModelRepository repository = repositories[term++];
                Outcome<HostedModel> found = repository.Find(name, version);
                if (found.Succeeded)
                    of[found.Value] = repository;
                return found;
            },
            model => of[model].Load(model));
        if (!made.Succeeded)
            return made;
        DurableFiles.CreateFolder(Path.GetFullPath(folder));
        DurableFiles.Replace(Path.Combine(folder, ModelFiles.Descriptor), JsonSerializer.SerializeToUtf8Bytes(made.Value.Descriptor, EbmJson.Indented));
        ModelVersionWriter.Write(folder, request.Version, new ModelVersionContent { Weights = made.Value.Weights, Provenance = provenance(made.Value) });
        return made;
    }
}
