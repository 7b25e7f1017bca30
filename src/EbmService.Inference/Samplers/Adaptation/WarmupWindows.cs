namespace EbmService.Inference.Samplers.Adaptation;

/// <summary>
/// Stan's warm-up: first steps for the step size alone (75), windows of doubling length (from 25) after each of which a mass is set, last
/// steps for the step size alone (50); in proportions 15, 75, 10 % where a warm-up is shorter, and without windows below 20 steps.
/// </summary>
internal sealed class WarmupWindows
{
    private const int Shortest = 20;
    private const int First = 75;
    private const int Window = 25;
    private const int Last = 50;
    private readonly int _begin;
    private readonly List<int> _ends = [];

    /// <param name="steps">The warm-up's length.</param>
    public WarmupWindows(int steps)
    {
        bool whole = steps >= First + Window + Last;
        _begin = whole ? First : (int)(0.15 * steps);
        int end = steps - (whole ? Last : (int)(0.1 * steps));
        if (steps < Shortest)
            return;
        int length = whole ? Window : end - _begin;
        for (int at = _begin; at < end; length *= 2)
        {
            // A window that would leave less than the next, twice as long, goes to the end.
            at = at + 3 * length > end ? end : at + length;
            _ends.Add(at);
        }
    }

    /// <summary>Whether the 0-based step belongs to a window.</summary>
    public bool Collects(int step) => _ends.Count > 0 && step >= _begin && step < _ends[^1];

    /// <summary>Whether a window ends with the 0-based step.</summary>
    public bool EndsAt(int step) => _ends.Contains(step + 1);

    /// <summary>The count, from 1, of the 0-based step since the start or the latest window's end.</summary>
    public int RoundOf(int step) => step + 1 - _ends.LastOrDefault(end => end <= step);
}
