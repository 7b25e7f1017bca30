using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Assessment;

/// <summary>What a client asks to have assessed; all but the two kinds of rows may be left out.</summary>
public sealed record AssessmentRequest
{
    /// <value>Rows that should be accepted, seen neither in training nor in calibration. With labels of a model with classes, classification is assessed too.</value>
    public RowsSource? InDistribution { get; init; }

    /// <value>Named rows that should be refused, 1 to 16 sets.</value>
    public IReadOnlyList<NamedRows>? OutOfDistribution { get; init; }

    /// <value>The scores; by default all that the calibration has p-values of, and those of one pass.</value>
    public IReadOnlyList<string>? Scores { get; init; }

    /// <value>The score of the histograms and of the accuracy-coverage curve; the calibration's own by default.</value>
    public string? Score { get; init; }

    /// <value>A name, name@version or bundled; the version's default by default.</value>
    public string? Calibration { get; init; }

    /// <value>The calibration's id, as a spec shows it; compared when given.</value>
    public string? CalibrationId { get; init; }

    /// <value>The false-positive rate that is checked, in (0, 1); 0.05 by default.</value>
    public double? Alpha { get; init; }

    /// <value>Resamples behind each interval, 0 to 10 000; 200 by default.</value>
    public int? Bootstrap { get; init; }

    /// <value>Draws the resamples; 1 by default.</value>
    public long? Seed { get; init; }

    /// <value>Rows that are scheduled and stored together, 8 to 65 536; 1024 by default.</value>
    public int? BlockSize { get; init; }

    /// <value>Whether rows may lie outside the model's range or alphabet; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }
}

/// <summary>A set of rows.</summary>
/// <param name="Name">1 to 64 letters, digits, '-', '_' and '.'; files and tables call it so.</param>
public sealed record NamedRows(string? Name, RowsSource? Rows);
