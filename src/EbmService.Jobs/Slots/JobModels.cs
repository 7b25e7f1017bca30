using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Jobs.Slots;

/// <summary>Whether the models that a job was accepted for are here: the same versions with the same digests. Thread-safe.</summary>
internal sealed class JobModels(IModelCatalog catalog)
{
    /// <summary>Of the first that is not here; null where all are.</summary>
    public Failure? WhyMissing(JobDefinition job) =>
        job.Models.Select(model => WhyMissing(model.Reference())).FirstOrDefault(missing => missing is not null);

    /// <summary>As <see cref="WhyMissing(JobDefinition)"/>, after another look at where the models are.</summary>
    public Failure? WhyStillMissing(JobDefinition job)
    {
        if (WhyMissing(job) is null)
            return null;
        catalog.Refresh();
        return WhyMissing(job);
    }

    private Failure? WhyMissing(ModelReference model)
    {
        Outcome<HostedModel> found = catalog.Find(model.Name, model.Version);
        if (found.Succeeded && found.Value.Digest == model.Digest)
            return null;
        string reason = found.Succeeded
            ? $"the version that is there has the digest {found.Value.Digest}" : found.Failure.Message.TrimEnd('.');
        return new Failure(FailureCode.ModelUnavailable,
            $"The job needs version '{model.Version}' of the model '{model.Name}' with the digest {model.Digest}: {reason}.",
            "Put that version back where the service reads its models, then try again: the job keeps its place and its state.");
    }
}
