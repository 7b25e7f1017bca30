using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Interpolation;

/// <summary>How a path is found.</summary>
public enum InterpolationMethod
{
    /// <summary>Nudged elastic band (Henkelman and Jonsson 2000): each point descends across the path, and springs along it keep the points apart.</summary>
    ElasticBand,

    /// <summary>Equal steps on the straight line.</summary>
    Straight,
}

/// <summary>What a client asks: paths from each row of <c>from</c> to the same row of <c>to</c>.</summary>
public sealed record InterpolationRequest
{
    /// <value>Where paths begin.</value>
    public RowsSource? From { get; init; }

    /// <value>Where they end; as many rows.</value>
    public RowsSource? To { get; init; }

    /// <value>elasticBand by default.</value>
    public InterpolationMethod? Method { get; init; }

    /// <value>Points of a path, its ends included; 3 to 101, 17 by default.</value>
    public int? Points { get; init; }

    /// <value>Steps of the elastic band, 1 to the server's limit; 200 by default. Straight paths take none.</value>
    public int? Steps { get; init; }

    /// <value>Whether in the second half of the steps the highest point of a path, where it is above both ends, climbs to the saddle (Henkelman, Uberuaga and Jonsson 2000); true by default.</value>
    public bool? Climb { get; init; }

    /// <value>The square of the first time step; by default the step size of the model's default recipe.</value>
    public double? StepSize { get; init; }

    /// <value>Of the springs between points; by default 0.1 / stepSize.</value>
    public double? SpringConstant { get; init; }

    /// <value>The class y of E(x, y), for models with classes; none by default.</value>
    public int? Label { get; init; }

    /// <value>Whether numbers may lie outside the model's range; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }

    /// <value>Paths that are scheduled and stored together; as many as make 136 points by default, and at most 1024 points.</value>
    public int? BlockSize { get; init; }
}

/// <summary>A validated interpolation job with every default filled in; immutable.</summary>
public sealed record InterpolationSpec : JobSpec
{
    [JsonIgnore]
    public override string Type => InterpolationJob.Name;

    public required RowsSpec From { get; init; }

    public required RowsSpec To { get; init; }

    public required InterpolationMethod Method { get; init; }

    public required int Points { get; init; }

    /// <value>0 for straight paths.</value>
    public required int Steps { get; init; }

    public required bool Climb { get; init; }

    public required double StepSize { get; init; }

    public required double SpringConstant { get; init; }

    public int? Label { get; init; }

    public required int BlockSize { get; init; }

    [JsonIgnore]
    public int Paths => From.Count;

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs => [From.ToInput("spec.from"), To.ToInput("spec.to")];
}
