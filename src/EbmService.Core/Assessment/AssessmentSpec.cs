using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Rows;

namespace EbmService.Core.Assessment;

/// <summary>A validated assessment with every default filled in; immutable. The rows themselves are files beside the job.</summary>
public sealed record AssessmentSpec : JobSpec
{
    [JsonIgnore]
    public override string Type => AssessmentJob.Name;

    public required RowsSpec InDistribution { get; init; }

    public required IReadOnlyList<NamedRowsSpec> OutOfDistribution { get; init; }

    public required IReadOnlyList<string> Scores { get; init; }

    public required string Score { get; init; }

    /// <value>name@version, or bundled.</value>
    public required string Calibration { get; init; }

    /// <value>Of its file, pinned when the job was taken in; null for a model without one.</value>
    public string? CalibrationId { get; init; }

    public required double Alpha { get; init; }

    public required int Bootstrap { get; init; }

    public required long Seed { get; init; }

    public required int BlockSize { get; init; }

    /// <value>In-distribution rows first.</value>
    [JsonIgnore]
    public IReadOnlyList<NamedRowsSpec> Sets => [new NamedRowsSpec("inDistribution", InDistribution), .. OutOfDistribution];

    [JsonIgnore]
    public int Count => Sets.Sum(set => set.Rows.Count);

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs =>
    [
        .. InDistribution.Inputs("spec.inDistribution"),
        .. OutOfDistribution.SelectMany((set, i) => set.Rows.Inputs($"spec.outOfDistribution[{i}].rows")),
    ];

    /// <summary>Blocks of one set each, in the order of <see cref="Sets"/>; offsets count on over the sets. A step is a tile of rows.</summary>
    public JobPlan Plan()
    {
        var blocks = new List<BlockPlan>();
        int offset = 0;
        foreach (NamedRowsSpec set in Sets)
        {
            for (int first = 0; first < set.Rows.Count; first += BlockSize)
            {
                int count = Math.Min(BlockSize, set.Rows.Count - first);
                blocks.Add(new BlockPlan(blocks.Count, offset + first, count, (count + AssessmentJob.TileRows - 1) / AssessmentJob.TileRows));
            }
            offset += set.Rows.Count;
        }
        return new JobPlan(blocks);
    }

    /// <summary>Which set a block is of, and the first of its rows there.</summary>
    public (int Set, int First) Place(BlockPlan block)
    {
        int offset = block.Offset;
        for (int set = 0; ; set++)
        {
            if (offset < Sets[set].Rows.Count)
                return (set, offset);
            offset -= Sets[set].Rows.Count;
        }
    }
}

/// <summary>A set of rows, pinned.</summary>
public sealed record NamedRowsSpec(string Name, RowsSpec Rows);
