namespace EbmService.Core.Datasets;

/// <summary>Every dataset, by name.</summary>
public sealed record DatasetListResponse(IReadOnlyList<DatasetResponse> Datasets);

/// <summary>Uploaded rows, which jobs name as <c>dataset</c>. They never change.</summary>
public sealed record DatasetResponse
{
    public required string Name { get; init; }

    public required int Rows { get; init; }

    /// <value>Of all rows together: the count, then the sizes of one row.</value>
    public required IReadOnlyList<int> Shape { get; init; }

    /// <value>uint8, which image models take as pixel levels, or float32, which is taken as it is.</value>
    public required string Dtype { get; init; }

    /// <value>The smallest number.</value>
    public required double Min { get; init; }

    /// <value>The largest number.</value>
    public required double Max { get; init; }

    /// <value>Whether there are but two numbers: 0 and 1, or of uint8 rows 0 and 255.</value>
    public required bool IsBinary { get; init; }

    /// <value>Of the rows as they are stored; equal rows under several names are stored once.</value>
    public required string Sha256 { get; init; }

    /// <value>Rows of each class; null where there are no labels.</value>
    public IReadOnlyDictionary<string, int>? Labels { get; init; }

    /// <value>On the disk.</value>
    public required long Bytes { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <value>self, and preview where the rows can be drawn: the first ones as one PNG.</value>
    public required IReadOnlyDictionary<string, string> Links { get; init; }
}
