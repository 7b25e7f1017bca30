using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Sampling;

namespace EbmService.Core.Models;

/// <summary>The one place that says which of a model's operations are possible, and in words why another is not.</summary>
public static class CapabilityRules
{
    private static readonly ModelTask[] s_tasks =
        [ModelTask.Energy, ModelTask.Sampling, ModelTask.OutOfDistribution, ModelTask.Classification];

    /// <summary>The tasks that a model with these capabilities offers.</summary>
    public static IReadOnlyList<ModelTask> Tasks(ModelCapabilities capabilities) =>
        [.. s_tasks.Where(task => Allows(capabilities, Needs(task, capabilities)))];

    /// <summary>The kernels that can sample a model with these capabilities.</summary>
    public static IReadOnlyList<SamplingKernel> Kernels(ModelCapabilities capabilities) =>
        [.. Enum.GetValues<SamplingKernel>().Where(kernel => Allows(capabilities, kernel.Needs()))];

    /// <summary>Sampling needs what any of its kernels needs: gradients where none is possible.</summary>
    private static IReadOnlyList<ModelCapability> Needs(ModelTask task, ModelCapabilities capabilities) => task switch
    {
        ModelTask.Classification => [ModelCapability.Classes],
        ModelTask.OutOfDistribution => [ModelCapability.Differentiable],
        ModelTask.Sampling when Kernels(capabilities).Count == 0 => [ModelCapability.Differentiable],
        _ => [],
    };

    public static bool Allows(ModelCapabilities capabilities, IReadOnlyList<ModelCapability> needs) => needs.All(capabilities.Has);

    /// <returns>Why the model doesn't offer the task; null where it does.</returns>
    public static Failure? Refuse(HostedModel model, ModelTask task)
    {
        if (Missing(model, $"The task {Word(task)}", Needs(task, model.Capabilities)) is not { } message)
            return null;
        string offered = string.Join(", ", model.Tasks.Select(each => Word(each)));
        return new Failure(FailureCode.NotSupported, $"{message}.", $"It offers: {offered}. GET /v1/models lists what the others offer.");
    }

    /// <returns>Why the kernel can't sample the model; null where it can.</returns>
    public static FieldError? Refuse(HostedModel model, SamplingKernel kernel, string field) =>
        Missing(model, $"The kernel {Word(kernel)}", kernel.Needs()) is { } message
            ? new FieldError(field,
                $"{message}: use {string.Join(" or ", Kernels(model.Capabilities).Select(each => Word(each)))}.", FailureCode.NotSupported)
            : null;

    /// <summary>For a member of a request that needs something of the model.</summary>
    /// <param name="what">The subject of the sentence, for example: A label.</param>
    /// <param name="remedy">What to do instead, in lower case, for example: leave it out.</param>
    /// <returns>Null where the model has all that is needed.</returns>
    public static FieldError? Refuse(
        HostedModel model, string field, string what, string remedy, params IReadOnlyList<ModelCapability> needs) =>
        Missing(model, what, needs) is { } message ? new FieldError(field, $"{message}: {remedy}.", FailureCode.NotSupported) : null;

    /// <returns>A sentence without its full stop that names what the model lacks; null where it has all.</returns>
    private static string? Missing(HostedModel model, string what, IReadOnlyList<ModelCapability> needs) =>
        needs.Where(need => !model.Capabilities.Has(need)).Select(Describe).ToArray() is { Length: > 0 } missing
            ? $"{what} needs {string.Join(" and ", missing)}, which the model '{model.Key.Name}' does not have"
            : null;

    /// <summary>The capability in words; its name stands in them.</summary>
    private static string Describe(ModelCapability capability) => capability switch
    {
        ModelCapability.ContinuousVariables => "continuous variables",
        ModelCapability.DiscreteVariables => "binary or categorical variables",
        ModelCapability.Differentiable => "a gradient of the energy",
        ModelCapability.BlockConditionals => "the conditionals of blocks of variables",
        ModelCapability.Latents => "latent variables",
        ModelCapability.Classes => "classes",
        ModelCapability.Features => "features before the last layer",
        ModelCapability.Filters => "filters (weights from each hidden unit to the visible ones)",
        ModelCapability.Trainable => "parameters to train",
        ModelCapability.CentredGradients => "gradients about the mean activities of units",
        _ => Word(capability),
    };

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
