using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Training;

/// <summary>Puts what a job has trained into service as a version of its model. Doing it again changes nothing.</summary>
internal sealed class TrainingPublisher(IModelLoader loader, IModelCatalog catalog, TimeProvider clock)
{
    /// <returns>The version as it is hosted, or why it can't be.</returns>
    public Outcome<HostedModel> Publish(JobDefinition job, TrainingSpec spec, IReadOnlyDictionary<string, byte[]> files)
    {
        string command = $"training job {job.Id}";
        var key = new ModelKey(spec.Descriptor.Name, spec.Version);
        // A process that died after publishing does it again, and another one may have taken the name meanwhile.
        foreach (ModelKey at in new[] { key, key with { Version = $"{spec.Version}-{job.Id[^8..]}" } })
        {
            if (catalog.List().FirstOrDefault(model => model.Key == at) is { Manifest.Provenance: { } by } present && by.Command == command)
                return present;
            Outcome<HostedModel> added = loader.Add(Upload(at, job, spec, files, command));
            if (added.Failure is { Code: FailureCode.InvalidRequest } refused)
                return Refused(refused);
            if (added.Succeeded || added.Failure.Code != FailureCode.VersionExists)
                return added;
        }
        return new Failure(FailureCode.VersionExists, $"The version '{spec.Version}' was taken while the job ran.", "Its files are among the job's results: upload them under another name.");
    }

    private static Failure Refused(Failure refused) => new(
        FailureCode.InvalidRequest, $"The version can't be published: {string.Join(' ', refused.Fields.Select(field => $"{field.Field}: {field.Message}"))}",
        "Its files are among the job's results; submit the job again under a new name of the model.");

    private ModelUpload Upload(ModelKey key, JobDefinition job, TrainingSpec spec, IReadOnlyDictionary<string, byte[]> files, string command)
    {
        // Also where the model is there: another job may have made it of another descriptor meanwhile, which is refused then.
        return new ModelUpload(
            key, JsonSerializer.SerializeToUtf8Bytes(spec.Descriptor, EbmJson.Indented),
            Part(ModelFiles.Weights), Part(ModelFiles.Buffer), Part(ModelFiles.Calibration))
        {
            Provenance = new ModelProvenance
            {
                Command = command, Data = spec.Data, Seed = spec.Config.Seed, Seconds = 0,
                FinishedAt = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds()), Software = ServiceSoftware.Text,
            },
        };

        // A bare null beside a part would convert to an empty part, not to none.
        ReadOnlyMemory<byte>? Part(string name) =>
            files.TryGetValue(name, out byte[]? bytes) ? new ReadOnlyMemory<byte>(bytes) : default(ReadOnlyMemory<byte>?);
    }
}
