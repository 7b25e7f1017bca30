using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EbmService.Core.Assessment;
using EbmService.Core.Calibration;
using EbmService.Core.Editing;
using EbmService.Core.Interpolation;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Likelihood;
using EbmService.Core.Restoration;
using EbmService.Core.Robustness;
using EbmService.Core.Sampling;
using EbmService.Core.Scoring;
using EbmService.Core.Training;

namespace EbmService.Core.Tests.Jobs;

/// <summary>The promise of a job's answer: its spec, sent again, is understood. So a request has every member that a spec shows.</summary>
public sealed class SpecMembersTests
{
    private static readonly JsonSerializerOptions s_options = new(EbmJson.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    private static readonly Dictionary<string, JobTypeDescription> s_all = new JobTypeDescription[]
    {
        SamplingJob.Description, ScoringJob.Description, TrainingJob.Description, InterpolationJob.Description, EditingJob.Description,
        RestorationJob.Description, LikelihoodJob.Description, RobustnessJob.Description, CalibrationJob.Description, AssessmentJob.Description,
    }.ToDictionary(description => description.Name);

    public static TheoryData<string> Types => [.. s_all.Keys];

    [Theory]
    [MemberData(nameof(Types))]
    public void Request_HasEveryMemberOfTheSpec(string type)
    {
        JobTypeDescription description = s_all[type];

        Assert.Equal("", string.Join(" ", Missing(description.Request, description.Spec, "spec")));
    }

    private static IEnumerable<string> Missing(Type request, Type spec, string path)
    {
        JsonTypeInfo asked = s_options.GetTypeInfo(request), shown = s_options.GetTypeInfo(spec);
        if (asked.Kind != JsonTypeInfoKind.Object || shown.Kind != JsonTypeInfoKind.Object)
            return Element(request) is { } one && Element(spec) is { } other ? Missing(one, other, path + "[]") : [];
        return shown.Properties.Where(property => property.Get is not null).SelectMany(property =>
            asked.Properties.FirstOrDefault(other => other.Name == property.Name) is { } known
                ? Missing(Core(known.PropertyType), Core(property.PropertyType), $"{path}.{property.Name}")
                : [$"{path}.{property.Name}"]);
    }

    private static Type Core(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    private static Type? Element(Type type) => type == typeof(string) ? null
        : type.GetInterfaces().Append(type).FirstOrDefault(one => one.IsGenericType && one.GetGenericTypeDefinition() == typeof(IEnumerable<>))?.GetGenericArguments()[0];
}
