using System.Text.Json;
using EbmService.Core.Assessment;
using EbmService.Core.Calibration;
using EbmService.Core.Editing;
using EbmService.Core.Interpolation;
using EbmService.Core.Likelihood;
using EbmService.Core.Restoration;
using EbmService.Core.Robustness;
using EbmService.Core.Sampling;
using EbmService.Core.Scoring;
using EbmService.Core.Training;

namespace EbmService.Core.Jobs;

/// <summary>The contracts of a job type.</summary>
/// <param name="Name">The word of the member <c>type</c>.</param>
/// <param name="Request">What the member <c>spec</c> of a request holds.</param>
/// <param name="Spec">What the member <c>spec</c> of a job's answer holds.</param>
public sealed record JobSpecType(string Name, Type Request, Type Spec);

/// <summary>The contracts of all job types, for clients, which have no registry of the types themselves.</summary>
public static class JobSpecTypes
{
    public static IReadOnlyList<JobSpecType> All { get; } =
    [
        new(SamplingJob.Name, typeof(SamplingRequest), typeof(SamplingSpec)),
        new(ScoringJob.Name, typeof(ScoringRequest), typeof(ScoringSpec)),
        new(RestorationJob.Name, typeof(RestorationRequest), typeof(RestorationSpec)),
        new(InterpolationJob.Name, typeof(InterpolationRequest), typeof(InterpolationSpec)),
        new(EditingJob.Name, typeof(EditingRequest), typeof(EditingSpec)),
        new(LikelihoodJob.Name, typeof(LikelihoodRequest), typeof(LikelihoodSpec)),
        new(CalibrationJob.Name, typeof(CalibrationRequest), typeof(CalibrationSpec)),
        new(AssessmentJob.Name, typeof(AssessmentRequest), typeof(AssessmentSpec)),
        new(RobustnessJob.Name, typeof(RobustnessRequest), typeof(RobustnessSpec)),
        new(TrainingJob.Name, typeof(TrainingRequest), typeof(TrainingSpec)),
    ];

    /// <summary>The name of the type whose requests hold a <paramref name="request"/>.</summary>
    /// <exception cref="ArgumentException">It is no request of a job type.</exception>
    public static string NameOf(Type request) => All.FirstOrDefault(type => type.Request == request)?.Name
        ?? throw new ArgumentException($"{request.Name} is no request of a job: those are {string.Join(", ", All.Select(type => type.Request.Name))}");

    /// <summary>Reads a spec; one of an unknown type, or that can't be read, comes as an <see cref="UnreadableSpec"/> with its
    /// members.</summary>
    public static JobSpec Read(string type, JsonElement members, JsonSerializerOptions options)
    {
        Type? known = All.FirstOrDefault(one => one.Name == type)?.Spec;
        try
        {
            if (known is not null && members.Deserialize(known, options) is JobSpec spec)
                return spec;
        }
        catch (JsonException)
        {
            // Of a service that has changed the spec since.
        }
        return new UnreadableSpec(type) { Members = members };
    }
}
