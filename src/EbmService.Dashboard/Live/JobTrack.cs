using EbmService.Core.Jobs;

namespace EbmService.Dashboard.Live;

/// <summary>A job as this page has seen it: its latest answer and progress, and its metrics over time in buffers of bounded size.</summary>
public sealed class JobTrack(JobResponse job)
{
    private readonly Dictionary<string, MetricBuffer> _metrics = [];

    public string Id => Job.Id;

    public JobResponse Job { get; private set; } = job;

    public JobProgress Progress { get; private set; } = job.Progress;

    /// <value>Grows with every event: whoever has drawn this one needs to draw nothing.</value>
    public long Version { get; private set; } = 1;

    public IReadOnlyDictionary<string, MetricBuffer> Metrics => _metrics;

    public void Apply(JobResponse job)
    {
        bool isStale = Job.Status.IsTerminal() && !job.Status.IsTerminal();
        if (isStale)
            return;
        Job = job;
        Apply(job.Progress);
    }

    public void Apply(JobProgress progress)
    {
        Version++;
        Progress = progress;
        if (progress.Done == 0)
            return;
        foreach ((string name, double value) in progress.Metrics)
        {
            if (!_metrics.TryGetValue(name, out MetricBuffer? buffer))
                _metrics[name] = buffer = new MetricBuffer();
            buffer.Add(progress.Done, value);
        }
    }
}

/// <summary>A metric over the work done; when the room is used up every other point goes.</summary>
public sealed class MetricBuffer
{
    public const int Capacity = 1024;

    private readonly float[] _done = new float[Capacity];
    private readonly float[] _values = new float[Capacity];

    public int Count { get; private set; }

    public void Add(double done, double value)
    {
        // The same place again: the later value counts. Going back means that another attempt began from a checkpoint.
        while (Count > 0 && _done[Count - 1] >= done)
            Count--;
        if (Count == Capacity)
            Thin();
        (_done[Count], _values[Count]) = ((float)done, (float)value);
        Count++;
    }

    /// <param name="unit">Units of work of one step of the horizontal axis.</param>
    public float[] Places(double unit) => Array.ConvertAll(_done[..Count], done => (float)(done / unit));

    public float[] Values() => _values[..Count];

    /// <summary>Places and values after a place, in steps of <paramref name="unit"/> units of work.</summary>
    public (float[] Places, float[] Values) After(double place, double unit)
    {
        int first = 0;
        while (first < Count && _done[first] / unit <= place)
            first++;
        return (Array.ConvertAll(_done[first..Count], done => (float)(done / unit)), _values[first..Count]);
    }

    private void Thin()
    {
        for (int i = 0; i < Capacity / 2; i++)
            (_done[i], _values[i]) = (_done[2 * i], _values[2 * i]);
        Count = Capacity / 2;
    }
}
