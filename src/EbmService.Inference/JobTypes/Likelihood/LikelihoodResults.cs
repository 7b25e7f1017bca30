using System.Runtime.InteropServices;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Likelihood;
using EbmService.Core.Tensors;
using EbmService.Inference.Annealing;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>
/// Makes a likelihood job's files: likelihood.json, card.json, logWeights.npy (forward and reverse chains), ladder.npy, logLikelihood.npy (rows) and raise.npy where rows
/// were given, and two plots. Chains that did not come to their end, after a cancel, are NaN and in no estimate.
/// </summary>
internal sealed class LikelihoodResults(JobDefinition job, LikelihoodSpec spec, IReadOnlyList<BlockResult> blocks)
{
    /// <summary>Names among a block's tensors.</summary>
    public const string Weights = "logWeights";
    public const string Knots = "knots";
    public const string Densities = "densities";
    public const string Numbers = "numbers";
    public const string ExactLogZ = "exactLogZ";
    public const string StartDraws = "startDraws";

    private const string Json = "application/json";
    private const string Png = "image/png";

    private readonly Dictionary<int, BlockResult> _byIndex = blocks.ToDictionary(block => block.Block.Index);

    public void Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        Side forward = ReadSide(LikelihoodPart.Forward), reverse = ReadSide(LikelihoodPart.Reverse), raise = ReadSide(LikelihoodPart.Raise);
        LogZReport logZ = Estimate(forward, reverse);
        IReadOnlyList<string> reasons = LikelihoodTrust.ReasonsAgainst(spec, logZ, forward.Logs.Length, reverse.Implied(-1));
        logZ = reasons.Count == 0 ? logZ : logZ with { Estimate = null };
        RowsSummary rows = Summarise();
        IReadOnlyList<PilotKnot> knots = forward.Knots ?? reverse.Knots ?? [];
        AnnealingLadder? ladder = knots.Count > 1 ? AnnealingLadder.Create(knots, spec.Bridges, spec.Ladder) : null;
        double[] perRow = RaisePerRow(raise);
        var report = new LikelihoodReport(
            reasons.Count == 0, reasons, spec.Temperature, LikelihoodTrust.DensityOf(spec), LikelihoodTrust.BaseOf(spec), logZ,
            spec.Rows is null ? null : ReportRows(rows, logZ), spec.Raise is null ? null : ReportRaise(perRow, raise, rows, logZ),
            new LadderReport(
                spec.Bridges, spec.Transitions, spec.Kernel.ToString().ToLowerInvariant(), spec.NeedsPilot ? knots.Count : 0,
                spec.NeedsPilot && knots.Count > 1 ? knots.Sum(knot => knot.Length) : null,
                spec.Kernel == LikelihoodKernel.Gibbs || !spec.NeedsPilot || knots.Count < 2 ? null : knots.Skip(1).Min(knot => knot.Acceptance),
                ladder is null || spec.Kernel == LikelihoodKernel.Gibbs ? null : ladder.StepSizes[^1]),
            LikelihoodTrust.NotesOn(spec));
        files.Write("likelihood.json", Json, stream => JsonSerializer.Serialize(stream, report, EbmJson.Indented));
        files.Write("logWeights.npy", NpyFormat.MediaType, stream => WriteArray(stream, [2, spec.Chains], [.. forward.All, .. reverse.All]));
        if (ladder is not null)
            files.Write("ladder.npy", NpyFormat.MediaType, stream => WriteArray(stream, [2, ladder.Betas.Count], [.. ladder.Betas, .. ladder.StepSizes]));
        if (spec.Rows is { } given)
            files.Write("logLikelihood.npy", NpyFormat.MediaType, stream => WriteRows(stream, given.Count, logZ));
        if (spec.Raise is not null)
            files.Write("raise.npy", NpyFormat.MediaType, stream => WriteArray(stream, [perRow.Length], perRow));
        if (forward.Logs.Length > 1 || reverse.Logs.Length > 1)
            files.Write("logWeights.png", Png, stream => stream.Write(PlotRenderer.Render(LikelihoodPlots.OfWeights(forward.Implied(1), reverse.Implied(-1), logZ))));
        if (ladder is not null)
            files.Write("ladder.png", Png, stream => stream.Write(PlotRenderer.Render(LikelihoodPlots.OfLadder(ladder))));
        bool complete = forward.Logs.Length == spec.Chains && reverse.Logs.Length == spec.Chains && rows.Scored == (spec.Rows?.Count ?? 0)
            && raise.Logs.Length == LikelihoodPlan.ItemsOf(spec, LikelihoodPart.Raise);
        var card = new LikelihoodCard(
            job.Models, spec, device.Kind, device.Runtime, ServiceSoftware.Text, report.Trusted, reasons, logZ.Lower, logZ.Upper, complete, stopped, LikelihoodCard.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
    }

    private LogZReport Estimate(Side forward, Side reverse)
    {
        double alpha = (1 - spec.Confidence) / 2;
        double? lower = forward.IsSound ? Finite(forward.LogZOfBase + LogWeightStatistics.LowerBound(forward.Logs, alpha)) : null;
        double? upper = reverse.IsSound ? Finite(reverse.LogZOfBase - LogWeightStatistics.LowerBound(reverse.Logs, alpha)) : null;
        double? both = lower is not null && upper is not null
            ? Finite(forward.LogZOfBase + LogWeightStatistics.Bennett(forward.Logs, reverse.Logs)) : null;
        return new LogZReport(
            both, lower, upper, upper - lower, spec.Tolerance, spec.Confidence, ReportSide(forward, 1), ReportSide(reverse, -1), reverse.ExactLogZ);
    }

    private static SideReport? ReportSide(Side side, int sign)
    {
        if (!side.IsSound)
            return null;
        LogWeightStatistics statistics = LogWeightStatistics.Of(side.Logs);
        if (!double.IsFinite(statistics.LogMean))
            return null;
        double[] finite = [.. side.Logs.Where(double.IsFinite)];
        double mean = finite.Average();
        ChainStatistics? start = side.Start();
        return new SideReport(
            statistics.Count, side.LogZOfBase + sign * statistics.LogMean, statistics.StandardError, statistics.EffectiveSize,
            finite.Length < 2 ? null : Math.Sqrt(finite.Sum(log => (log - mean) * (log - mean)) / (finite.Length - 1)), side.Frozen, side.Acceptance, start?.Condition, start?.RHat);
    }

    /// <summary>Everything that the ended chains of one part say together.</summary>
    private Side ReadSide(LikelihoodPart part)
    {
        var side = new Side();
        foreach (BlockPlan block in LikelihoodPlan.Create(spec).Blocks.Where(block => LikelihoodPlan.PartOf(spec, block).Part == part))
        {
            if (!_byIndex.TryGetValue(block.Index, out BlockResult? result))
            {
                side.AddMissing(block.Count);
                continue;
            }
            SafetensorsFile file = SafetensorsFile.Read(result.Read());
            side.Add(file, block);
        }
        return side;
    }

    private RowsSummary Summarise()
    {
        var summary = new RowsSummary();
        foreach ((_, SafetensorsFile? file) in RowBlocks())
        {
            if (file is not null)
                summary.Add(file[RowsWorkload.Densities].ToDoubles(), file[Numbers].ToDoubles());
        }
        return summary;
    }

    private IEnumerable<(BlockPlan Block, SafetensorsFile? File)> RowBlocks() => LikelihoodPlan.Create(spec).Blocks
        .Where(block => LikelihoodPlan.PartOf(spec, block).Part == LikelihoodPart.Rows)
        .Select(block => (block, _byIndex.TryGetValue(block.Index, out BlockResult? result) ? SafetensorsFile.Read(result.Read()) : null));

    private RowsReport ReportRows(RowsSummary rows, LogZReport logZ)
    {
        double? mean = rows.Finite == 0 ? null : rows.Mean;
        (double? estimate, double? lower, double? upper) = (mean - logZ.Estimate, mean - logZ.Upper, mean - logZ.Lower);
        return new RowsReport(
            spec.Rows!.Count, rows.Scored, rows.Scored - rows.Finite, mean, estimate, lower, upper, rows.StandardError,
            new BitsReport(Bits(estimate, rows), Bits(upper, rows), Bits(lower, rows)), LikelihoodTrust.DequantisationOf(spec));
    }

    /// <summary>Of levels where rows were dequantised: the density times the volume of a bin is the likelihood of its levels, or less.</summary>
    private double? Bits(double? logLikelihood, RowsSummary rows) => rows.Length == 0 ? null
        : -(logLikelihood + (spec.DequantisationLevels is { } levels ? rows.Length * Math.Log(rows.Range / levels) : 0)) / (rows.Length * Math.Log(2));

    private RaiseReport ReportRaise(double[] perRow, Side raise, RowsSummary rows, LogZReport logZ)
    {
        double[] finite = [.. perRow.Where(double.IsFinite)];
        int chains = spec.Raise!.Chains;
        if (finite.Length == 0)
            return new RaiseReport(spec.Raise.Rows, chains, null, null, null, null);
        double mean = finite.Average();
        double[] byUpper = [.. raise.Densities.Where((_, chain) => chain % chains == 0).Zip(perRow).Where(row => double.IsFinite(row.Second)).Select(row => row.First)];
        return new RaiseReport(
            spec.Raise.Rows, chains, mean,
            finite.Length < 2 ? null : Math.Sqrt(finite.Sum(one => (one - mean) * (one - mean)) / (finite.Length - 1) / finite.Length),
            Bits(mean, rows), mean - (byUpper.Average() - logZ.Upper));
    }

    /// <summary>log of the mean over a row's chains; NaN for rows whose chains did not all come to their end.</summary>
    private double[] RaisePerRow(Side raise)
    {
        if (spec.Raise is not { } settings)
            return [];
        double[][] all = [.. raise.All.Chunk(settings.Chains)];
        return [.. Enumerable.Range(0, settings.Rows).Select(row => all[row].Any(double.IsNaN) ? double.NaN
            : raise.Densities[row * settings.Chains] - raise.LogZOfBase + LogWeightStatistics.Of(all[row]).LogMean)];
    }

    /// <summary>(rows, 2): the lower and the upper bound of each row's log-likelihood.</summary>
    private void WriteRows(Stream stream, int rows, LogZReport logZ)
    {
        stream.Write(NpyFormat.Write(new TensorPayload([rows, 2], [])));
        foreach ((BlockPlan block, SafetensorsFile? file) in RowBlocks())
        {
            double[] densities = file?[RowsWorkload.Densities].ToDoubles() ?? [];
            float[] values = [.. Enumerable.Range(0, block.Count).SelectMany(row => row >= densities.Length ? [float.NaN, float.NaN]
                : new[] { (float)(densities[row] - (logZ.Upper ?? double.NaN)), (float)(densities[row] - (logZ.Lower ?? double.NaN)) })];
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }
    }

    private static void WriteArray(Stream stream, int[] shape, double[] values) =>
        stream.Write(NpyFormat.Write(new TensorPayload(shape, [.. values.Select(value => (float)value)])));

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    /// <summary>Chains of one part.</summary>
    private sealed class Side
    {
        private readonly List<double> _all = [];
        private readonly List<double> _densities = [];
        private readonly List<(int Draws, double[] Values)> _starts = [];
        private double _accepted;
        private int _accepting;

        /// <value>Log weights of all chains; NaN of those that did not come to their end.</value>
        public IReadOnlyList<double> All => _all;

        /// <value>Those of ended chains.</value>
        public double[] Logs => [.. _all.Where(log => !double.IsNaN(log))];

        public IReadOnlyList<double> Densities => _densities;

        public double LogZOfBase { get; private set; }

        public long Frozen { get; private set; }

        public double? ExactLogZ { get; private set; }

        public IReadOnlyList<PilotKnot>? Knots { get; private set; }

        public double? Acceptance => _accepting == 0 ? null : _accepted / _accepting;

        public bool IsSound => _all.Exists(double.IsFinite);

        /// <summary>Convergence of the chains before they were taken for samples, as far as it can be told.</summary>
        public ChainStatistics? Start()
        {
            int draws = _starts.Count == 0 ? 0 : _starts.Min(start => start.Draws);
            int chains = _starts.Sum(start => start.Values.Length / Math.Max(1, start.Draws));
            if (draws == 0)
                return null;
            var values = new double[draws * chains];
            int column = 0;
            foreach ((int own, double[] of) in _starts)
            {
                int count = of.Length / own;
                for (int draw = 0; draw < draws; draw++)
                    of.AsSpan((own - draws + draw) * count, count).CopyTo(values.AsSpan(draw * chains + column));
                column += count;
            }
            return ChainDiagnostics.Compute(ChainDraws.From(values, chains));
        }

        /// <summary>log Z by each ended chain alone.</summary>
        public double[] Implied(int sign) => [.. Logs.Select(log => LogZOfBase + sign * log).Order()];

        public void AddMissing(int chains)
        {
            _all.AddRange(Enumerable.Repeat(double.NaN, chains));
            _densities.AddRange(Enumerable.Repeat(double.NaN, chains));
        }

        public void Add(SafetensorsFile file, BlockPlan block)
        {
            double[] numbers = file[Numbers].ToDoubles();
            LogZOfBase = numbers[1];
            Frozen += (long)numbers[2];
            if (double.IsFinite(numbers[3]))
                (_accepted, _accepting) = (_accepted + numbers[3] * block.Count, _accepting + block.Count);
            if (file.Tensors.ContainsKey(LikelihoodResults.ExactLogZ))
                ExactLogZ = file[LikelihoodResults.ExactLogZ].ToDoubles()[0];
            if (file.Tensors.ContainsKey(LikelihoodResults.Knots))
                Knots ??= [.. file[LikelihoodResults.Knots].ToDoubles().Chunk(4).Select(knot => new PilotKnot(knot[0], knot[1], knot[2], knot[3]))];
            if (file.Tensors.TryGetValue(StartDraws, out SafetensorsTensor? draws) && draws.Shape[0] > 0)
                _starts.Add(((int)draws.Shape[0], draws.ToDoubles()));
            if ((int)numbers[0] < block.Steps)
            {
                AddMissing(block.Count);
                return;
            }
            _all.AddRange(file[Weights].ToDoubles());
            _densities.AddRange(file[LikelihoodResults.Densities].ToDoubles());
        }

        
    }

    /// <summary>Moments of densities as they come by (Welford 1962).</summary>
    private sealed class RowsSummary
    {
        private double _squares;

        public long Scored { get; private set; }

        public long Finite { get; private set; }

        public double Mean { get; private set; }

        public int Length { get; private set; }

        public double Range { get; private set; }

        public double? StandardError => Finite < 2 ? null : Math.Sqrt(_squares / (Finite - 1) / Finite);

        public void Add(double[] densities, double[] numbers)
        {
            (Length, Range) = ((int)numbers[0], numbers[1]);
            Scored += densities.Length;
            foreach (double density in densities.Where(double.IsFinite))
            {
                double difference = density - Mean;
                Mean += difference / ++Finite;
                _squares += difference * (density - Mean);
            }
        }
    }
}

/// <summary>The file card.json: what is needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record LikelihoodCard(
    IReadOnlyList<JobModel> Models, LikelihoodSpec Spec, string Device, string Runtime, string Software, bool Trusted, IReadOnlyList<string> Reasons,
    double? LogZLower, double? LogZUpper, bool Complete, string Stopped, string Determinism)
{
    public const string Scope =
        "On a CPU, the same spec, seed, model digest and block size give the same bits on the same kind of processor with the same runtime: on any number of slots, "
        + "whatever else runs beside it, after a pause or a killed process. Another block size gives other chains. A cancel leaves chains that did not come to their end out of "
        + "all estimates. On CUDA none of this is tested.";
}
