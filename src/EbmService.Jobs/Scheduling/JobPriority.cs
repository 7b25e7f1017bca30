namespace EbmService.Jobs.Scheduling;

/// <summary>The range of priorities; more runs first.</summary>
internal static class JobPriority
{
    public const int Lowest = -10;
    public const int Highest = 10;
}
