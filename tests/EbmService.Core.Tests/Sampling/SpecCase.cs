using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Core.Tests.Sampling;

/// <summary>Requests against small models of each kind of variables.</summary>
internal static class SpecCase
{
    private static readonly ModelCapabilities Network =
        new() { Trainable = true, Precisions = [SamplingPrecision.Float32, SamplingPrecision.Bfloat16] };

    internal static readonly HostedModel Plane = Host("plane", new InputSchema(InputKind.Vector, [2], -4, 4));

    internal static readonly HostedModel Lattice =
        Host("lattice", new InputSchema(InputKind.Image, [1, 2, 2], 0, 1, VariableKind.Binary), new() { BlockConditionals = true });

    internal static readonly HostedModel Words =
        Host("words", new InputSchema(InputKind.Vector, [2, 3], 0, 1, VariableKind.Categorical), new());

    internal static HostedModel Of(string name) => name switch { "plane" => Plane, "lattice" => Lattice, _ => Words };

    internal static Outcome<SamplingSpec> Create(string json, HostedModel model, SamplingPolicy? policy = null) =>
        SamplingSpecFactory.Create(
        JsonSerializer.Deserialize<SamplingRequest>(json, EbmJson.Options)!, model, "cpu", policy ?? new SamplingPolicy(), () => 1);

    /// <summary>Every field that the request's errors name, each once.</summary>
    internal static string[] FieldsOf(string json, HostedModel model, SamplingPolicy? policy = null) =>
        [.. (Create(json, model, policy).Failure?.Fields ?? []).Select(error => error.Field).Distinct()];

    /// <summary>A job's spec as a client reads it and sends it again.</summary>
    internal static string Resent(SamplingSpec spec)
    {
        JsonObject json = JsonSerializer.SerializeToNode(spec, EbmJson.Options)!.AsObject();
        json.Remove("labels");
        return json.ToJsonString();
    }

    /// <param name="capabilities">Beside the kind of variables; of a network by default.</param>
    private static HostedModel Host(string name, InputSchema input, ModelCapabilities? capabilities = null) => new()
    {
        Key = new(name, "1"),
        State = ModelState.Ready,
        Capabilities = (capabilities ?? Network) with { Variables = input.Variables },
        Descriptor = new ModelDescriptor
        {
            Name = name,
            Title = name,
            Architecture = new() { Kind = name },
            Input = input,
            Recipes = new Dictionary<string, SgldRecipe>
            {
                ["own"] = new() { Steps = 20, StepSize = 0.1, Noise = 0.2, StateClamp = new(StateClampKind.Range, -4, 4),
                    Schedule = new(ScheduleKind.Cosine) },
            },
            DefaultRecipe = "own",
        },
    };
}
