using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Calibration;

/// <summary>What a client asks to have calibrated; all but <c>name</c> and <c>data</c> may be left out.</summary>
public sealed record CalibrationRequest
{
    /// <value>What requests will call it; a job of the same name makes its next version.</value>
    public string? Name { get; init; }

    /// <value>In-distribution rows that the network was not trained on, 48 at least; labels where temperature scaling is wanted.</value>
    public RowsSource? Data { get; init; }

    /// <value>The score that is meant where a request names none; combined by default.</value>
    public string? Score { get; init; }

    /// <value>Whether the scores of chains (chainDisplacement, energyDrop) are calibrated too, eleven gradients a row; false by default.</value>
    public bool? Chains { get; init; }

    /// <value>Whether ood and classify use it where they name no calibration; false by default.</value>
    public bool? MakeDefault { get; init; }

    /// <value>Draws which rows are fitted on, referred to and calibrated on; random by default.</value>
    public long? Seed { get; init; }

    /// <value>Whether rows may lie outside the model's range or alphabet; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }
}
