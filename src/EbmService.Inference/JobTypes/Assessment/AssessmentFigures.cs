using EbmService.Core.Assessment;
using EbmService.Core.Jobs;
using EbmService.Inference.Assessment;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>One score on one set.</summary>
internal sealed record ComparisonReport(string Set, int Rows, string Score, OodMetrics Metrics, IReadOnlyDictionary<string, Interval> Intervals);

/// <summary>How the p-values of a score behave on in-distribution rows.</summary>
/// <param name="Calibrated">Rows that they compare with.</param>
/// <param name="Refused">The realised false-positive rate: the share at or below alpha.</param>
/// <param name="RefusedInterval">Exact, 95 %.</param>
internal sealed record ConformalReport(
    string Score, int Rows, int Calibrated, double Alpha, double Refused, Interval RefusedInterval, ConformalGuarantee Guarantee, UniformTest Uniform);

/// <summary>Classification of the in-distribution rows.</summary>
/// <param name="Coverage">Shares of rows answered, those of largest p-values first, and the accuracy on them.</param>
internal sealed record CoverageReport(
    int Rows, double Accuracy, double ErrorBefore, double ErrorAfter, IReadOnlyList<double> Coverage, IReadOnlyList<double> AccuracyAt);

/// <summary>The numbers behind an assessment; of the scores of all rows one score is in memory at a time.</summary>
internal sealed class AssessmentFigures(AssessmentSpec spec, IReadOnlyList<BlockResult> blocks)
{
    private const int Points = 100;

    /// <summary>All rows of a set that have been scored, in order.</summary>
    public float[] Read(int set, string name)
    {
        var values = new List<float>();
        foreach (BlockResult block in blocks.Where(block => spec.Place(block.Block).Set == set))
        {
            SafetensorsFile file = SafetensorsFile.Read(block.Read());
            if (file.Tensors.TryGetValue(name, out SafetensorsTensor? tensor))
                values.AddRange(tensor.ToFloats());
        }
        return [.. values];
    }

    public int RowsOf(int set) => Read(set, AssessmentWorkload.PValues).Length;

    public IReadOnlyList<ComparisonReport> Compare()
    {
        var reports = new List<ComparisonReport>();
        foreach (string score in spec.Scores)
        {
            float[] inside = Read(0, score);
            for (int set = 1; set < spec.Sets.Count && inside.Length > 0; set++)
            {
                float[] outside = Read(set, score);
                if (outside.Length == 0)
                    continue;
                var bootstrap = new OodBootstrap(inside, outside);
                reports.Add(new ComparisonReport(
                    spec.Sets[set].Name, outside.Length, score, bootstrap.Whole(), bootstrap.Intervals(spec.Bootstrap, spec.Seed)));
            }
        }
        return [.. reports.OrderBy(report => spec.Sets.Index().First(set => set.Item.Name == report.Set).Index)];
    }

    public IReadOnlyList<ConformalReport> Conformal()
    {
        var reports = new List<ConformalReport>();
        foreach (string score in spec.Scores)
        {
            double[] pValues = [.. Read(0, AssessmentWorkload.PValueOf(score)).Where(float.IsFinite).Select(value => (double)value)];
            if (pValues.Length == 0)
                continue;
            int calibrated = (int)SafetensorsFile.Read(blocks[0].Read())[AssessmentWorkload.Compared + score].ToInt64()[0];
            // A p-value is a float here: the level is moved by half a step of the least of them.
            int refused = pValues.Count(value => value <= spec.Alpha + 0.5e-6);
            reports.Add(new ConformalReport(
                score, pValues.Length, calibrated, spec.Alpha, (double)refused / pValues.Length, UniformTest.ShareInterval(refused, pValues.Length),
                ConformalGuarantee.Of(calibrated, spec.Alpha), UniformTest.Of(pValues, calibrated)));
        }
        return reports;
    }

    /// <summary>Null where the in-distribution rows have no labels.</summary>
    public CoverageReport? Coverage()
    {
        float[] hits = Read(0, AssessmentWorkload.Hits);
        if (hits.Length == 0)
            return null;
        float[] before = Read(0, AssessmentWorkload.Confidence), after = Read(0, AssessmentWorkload.Scaled), pValues = Read(0, AssessmentWorkload.PValues);
        // Without a calibration, by the score itself.
        float[] ranks = Array.TrueForAll(pValues, float.IsNaN) ? Read(0, spec.Score) : pValues;
        int[] order = [.. Enumerable.Range(0, hits.Length).OrderByDescending(row => ranks[row])];
        var coverage = new List<double>();
        var accuracy = new List<double>();
        double right = 0;
        int next = 1;
        for (int i = 0; i < order.Length; i++)
        {
            right += hits[order[i]];
            if ((i + 1) * (long)Points < next * (long)order.Length)
                continue;
            coverage.Add((i + 1.0) / order.Length);
            accuracy.Add(right / (i + 1));
            next = (int)((i + 1) * (long)Points / order.Length) + 1;
        }
        return new CoverageReport(hits.Length, hits.Average(), Error(before, hits), Error(after, hits), coverage, accuracy);
    }

    /// <summary>Expected calibration error in 15 bins, of the verdicts' confidences.</summary>
    private static double Error(float[] confidence, float[] hits)
    {
        var excess = new double[ClassificationMetrics.DefaultBins];
        for (int row = 0; row < hits.Length; row++)
            excess[Math.Clamp((int)Math.Ceiling(confidence[row] * excess.Length) - 1, 0, excess.Length - 1)] += hits[row] - confidence[row];
        return excess.Sum(Math.Abs) / hits.Length;
    }
}
