using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>Reads POST /v1/jobs/{id}/extend and holds the longer job against this server's limits.</summary>
internal sealed class JobExtensionReader(CallerJobs jobs, JobTypeRegistry types, IModelCatalog catalog, IOptions<LimitsOptions> limits)
{
    /// <returns>The steps to add, or why they can't be.</returns>
    internal async Task<Outcome<int>> ReadAsync(string id, HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return MediaTypes.Unsupported(request.ContentType ?? "", "application/json");
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        if (!body.Succeeded)
            return body.Failure;
        Outcome<ExtendJobRequest> read = JsonBody.Deserialize<ExtendJobRequest>(body.Value);
        if (!read.Succeeded)
            return read.Failure;
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, request.HttpContext.RequestAborted);
        if (!job.Succeeded)
            return job.Failure;
        var models = new List<HostedModel>();
        foreach (JobModel used in job.Value.Models.Where(model => !model.IsMade))
        {
            Outcome<HostedModel> model = catalog.Find(used.Name, used.Version);
            if (!model.Succeeded)
                return model.Failure;
            if (model.Value.Digest != used.Digest)
                return new Failure(FailureCode.InvalidTransition, "The model's files are not those that the job ran on.",
                    "Submit a new job: it runs on the files as they are now.");
            models.Add(model.Value);
        }
        int steps = read.Value.Steps;
        JobSpec done = job.Value.SpecDone();
        Failure? failure = types.Of(done).CheckExtension(done, steps, models, limits.Value.ToJobLimits());
        return failure is null ? steps : failure;
    }
}
