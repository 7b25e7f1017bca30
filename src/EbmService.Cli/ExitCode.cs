namespace EbmService.Cli;

/// <summary>What the process ends with.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command was right, but its work failed: training diverged, a checksum differs, the disk is full.</summary>
    public const int Failed = 1;

    /// <summary>The command line or an input is wrong; nothing was done.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Cancelled = 130;
}
