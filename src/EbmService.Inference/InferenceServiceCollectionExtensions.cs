using EbmService.Core.Calibration;
using EbmService.Core.Datasets;
using EbmService.Core.Devices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Inference.Assessment;
using EbmService.Inference.Composition;
using EbmService.Inference.Data;
using EbmService.Inference.Devices;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Imaging;
using EbmService.Inference.JobTypes;
using EbmService.Inference.JobTypes.Assessment;
using EbmService.Inference.JobTypes.Calibration;
using EbmService.Inference.JobTypes.Editing;
using EbmService.Inference.JobTypes.Interpolation;
using EbmService.Inference.JobTypes.Restoration;
using EbmService.Inference.JobTypes.Likelihood;
using EbmService.Inference.JobTypes.Robustness;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.JobTypes.Scoring;
using EbmService.Inference.JobTypes.Training;
using EbmService.Inference.Models;
using EbmService.Inference.Queries;
using EbmService.Inference.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace EbmService.Inference;

/// <summary>The one way for a composition root to take in everything that computes.</summary>
public static class InferenceServiceCollectionExtensions
{
    /// <summary>Registers the Core ports for models, evaluation, workloads, results, images and the device.</summary>
    /// <remarks>
    /// The caller binds <see cref="ModelsOptions"/> (section Models) and <see cref="DeviceOptions"/> (section Device). Job types read their files through
    /// <see cref="IJobInputs"/>, which the engine registers.
    /// </remarks>
    public static IServiceCollection AddInference(this IServiceCollection services)
    {
        services.AddOptions<ModelsOptions>().ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<DeviceOptions>().ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<TrainingOptions>();
        services.AddOptions<DataOptions>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<DataCatalog>();
        services.AddSingleton<TorchDevice>();
        services.AddSingleton<IComputeDevice>(provider => provider.GetRequiredService<TorchDevice>());
        services.AddSingleton<ModelRepository>();
        services.AddSingleton<HostedModels>();
        services.AddSingleton<IModelPictures, ModelPictures>();
        services.AddSingleton<IModelCatalog>(provider => provider.GetRequiredService<HostedModels>());
        services.AddSingleton<IModelLoader>(provider => provider.GetRequiredService<HostedModels>());
        services.AddSingleton<IModelComposer, ModelComposer>();
        services.AddSingleton<IModelWarmUp>(provider => provider.GetRequiredService<HostedModels>());
        services.AddSingleton<IImageCodec, SkiaImageCodec>();
        services.AddSingleton<IDatasetConverter, DatasetConverter>();
        services.AddSingleton<LiveModelPool>();
        services.TryAddSingleton<ICalibrations, NoCalibrations>();
        services.AddSingleton<NamedCalibrations>();
        services.AddSingleton<IQueryEvaluator, QueryEvaluator>();
        services.AddSingleton<IJobDiagnostician, JobDiagnostician>();
        services.AddSingleton<SamplingResultAssembler>();
        return services.AddJobTypes();
    }

    /// <summary>Registers what measures whole models by the jobs of <see cref="IJobRunner"/>, which the caller registers.</summary>
    public static IServiceCollection AddAssessment(this IServiceCollection services) => services
        .AddSingleton<RecipeSampler>()
        .AddSingleton<ImageSampleAssessment>()
        .AddSingleton<VectorSampleAssessment>()
        .AddSingleton<ModelAssessment>()
        .AddSingleton<PrecisionComparison>()
        .AddSingleton<LongRunAssessment>()
        .AddSingleton<PlaneEnergy>();

    /// <summary>One line each; the first is what requests mean that name no type.</summary>
    private static IServiceCollection AddJobTypes(this IServiceCollection services) => services
        .AddSingleton<IJobType, SamplingJobType>()
        .AddSingleton<IJobType, ScoringJobType>()
        .AddSingleton<IJobType, TrainingJobType>()
        .AddSingleton<IJobType, InterpolationJobType>()
        .AddSingleton<IJobType, EditingJobType>()
        .AddSingleton<IJobType, RestorationJobType>()
        .AddSingleton<IJobType, LikelihoodJobType>()
        .AddSingleton<IJobType, RobustnessJobType>()
        .AddSingleton<IJobType, CalibrationJobType>()
        .AddSingleton<IJobType, AssessmentJobType>()
        .AddTransient(typeof(Lazy<>), typeof(LazyService<>))
        .AddSingleton<JobTypeRegistry>()
        .AddSingleton<IJobPlanner>(provider => provider.GetRequiredService<JobTypeRegistry>())
        .AddSingleton<IResultAssembler>(provider => provider.GetRequiredService<JobTypeRegistry>())
        .AddSingleton<IJobStatistician>(provider => provider.GetRequiredService<JobTypeRegistry>())
        .AddSingleton<IWorkloadFactory, WorkloadFactory>();

    /// <summary>Made at its first use: types are listed and asked without a device.</summary>
    private sealed class LazyService<T>(IServiceProvider provider) : Lazy<T>(provider.GetRequiredService<T>)
        where T : notnull;
}
