namespace EbmService.Inference.Training;

/// <summary>
/// Two interleaved half circles with Gaussian noise, as scikit-learn's make_moons, centred on the origin; coordinates in
/// about [-1.6, 1.6]. Without labels.
/// </summary>
public sealed class TwoMoonsData : ITrainingData
{
    private readonly float[] _rows;

    /// <param name="count">Rows.</param>
    /// <param name="noise">Standard deviation of each coordinate.</param>
    /// <param name="seed">Same seed, same rows.</param>
    public TwoMoonsData(int count, double noise, int seed)
    {
        var random = new Random(seed);
        _rows = new float[2 * count];
        for (int i = 0; i < count; i++)
        {
            double angle = Math.PI * random.NextDouble();
            bool upper = i % 2 == 0;
            double x = upper ? Math.Cos(angle) : 1 - Math.Cos(angle);
            double y = upper ? Math.Sin(angle) : 0.5 - Math.Sin(angle);
            double radius = noise * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            double turn = 2 * Math.PI * random.NextDouble();
            _rows[2 * i] = (float)(x - 0.5 + radius * Math.Cos(turn));
            _rows[2 * i + 1] = (float)(y - 0.25 + radius * Math.Sin(turn));
        }
    }

    public int Count => _rows.Length / 2;

    public int RowLength => 2;

    public bool HasLabels => false;

    public void CopyRow(int index, Span<float> destination) => _rows.AsSpan(2 * index, 2).CopyTo(destination);

    public int Label(int index) => -1;
}
