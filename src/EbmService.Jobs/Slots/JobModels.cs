using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Jobs.Slots;

/// <summary>Whether the model that a job was accepted for is here: the same version with the same digest. Thread-safe.</summary>
internal sealed class JobModels(IModelCatalog catalog)
{
    /// <summary>Null where it is here.</summary>
    public Failure? WhyMissing(ModelReference model)
    {
        Outcome<HostedModel> found = catalog.Find(model.Name, model.Version);
        if (found.Succeeded && found.Value.Digest == model.Digest)
            return null;
        string reason = found.Succeeded
            ? $"the version that is there has the digest {found.Value.Digest}" : found.Failure.Message.TrimEnd('.');
        return new Failure(FailureCode.ModelUnavailable,
            $"The job needs version '{model.Version}' of the model '{model.Name}' with the digest {model.Digest}: {reason}.",
            "Put that version back where the service reads its models, then try again: the job keeps its place and its chains.");
    }

    /// <summary>As <see cref="WhyMissing"/>, after another look at where the models are.</summary>
    public Failure? WhyStillMissing(ModelReference model)
    {
        if (WhyMissing(model) is null)
            return null;
        catalog.Refresh();
        return WhyMissing(model);
    }
}
