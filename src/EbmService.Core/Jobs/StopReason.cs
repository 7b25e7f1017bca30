namespace EbmService.Core.Jobs;

/// <summary>Why a job's chains took no further step.</summary>
public enum StopReason
{
    /// <summary>All steps were done.</summary>
    Steps,

    /// <summary>The asked effective sample size was reached.</summary>
    UntilEss,

    /// <summary>The asked R-hat was reached.</summary>
    UntilRHat,

    /// <summary>Both were asked and both were reached.</summary>
    UntilEssAndRHat,

    /// <summary>The job's deadline passed: blocks may have stopped at different steps.</summary>
    Deadline,

    /// <summary>A client cancelled the job.</summary>
    Cancelled,
}
