using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Rows;
using EbmService.Inference.Formats;
using EbmService.Inference.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>Some items of a restoration: what was observed of each, what of it is known exactly, and the truth where that is known.</summary>
/// <param name="Observed">(count, ...observed); the middle of the range where numbers are missing.</param>
/// <param name="Known">(length) true where a number is known exactly, or (count, length) where that differs from item to item.</param>
/// <param name="Truth">(count, length), or null.</param>
internal sealed record DamagedRows(int Count, float[] Observed, bool[] Known, float[]? Truth)
{
    /// <summary>Of the generators that damage items: far from those of blocks, whose index is below.</summary>
    private const long FirstStream = 1L << 31;

    /// <value>Whether every item has a mask of its own.</value>
    public bool HasOwnMasks(int length) => Known.Length > length;

    public ReadOnlySpan<bool> KnownOf(int item, int length) => HasOwnMasks(length) ? Known.AsSpan(item * length, length) : Known;

    /// <summary>Reads items, inputs first and then those of the calibration, and damages those that come undamaged.</summary>
    public static DamagedRows Read(IJobInputs inputs, JobDefinition job, RestorationSpec spec, InputSchema input, int first, int count)
    {
        int ofInputs = Math.Clamp(spec.Count - first, 0, count);
        DamagedRows? given = ofInputs == 0 ? null
            : spec.Damaged is { } damaged ? OfDamaged(inputs, job, spec, damaged, input, first, ofInputs)
            : OfTruth(inputs, job, spec, spec.Truth!, input, first, first, ofInputs);
        if (ofInputs == count)
            return given!;
        int start = first + ofInputs;
        DamagedRows calibration = OfTruth(inputs, job, spec, spec.Calibration!, input, start - spec.Count, start, count - ofInputs);
        return given is null ? calibration : Join(given, calibration, input.Length());
    }

    private static DamagedRows Join(DamagedRows first, DamagedRows second, int length)
    {
        float[]? truth = first.Truth is null ? [.. Enumerable.Repeat(float.NaN, first.Count * length), .. second.Truth!] : [.. first.Truth, .. second.Truth!];
        bool[] known = first.HasOwnMasks(length) || second.HasOwnMasks(length) ? [.. first.PerItem(length), .. second.PerItem(length)] : first.Known;
        return new DamagedRows(first.Count + second.Count, [.. first.Observed, .. second.Observed], known, truth);
    }

    private IEnumerable<bool> PerItem(int length) => HasOwnMasks(length) ? Known : Enumerable.Repeat(Known, Count).SelectMany(mask => mask);

    private static DamagedRows OfDamaged(IJobInputs inputs, JobDefinition job, RestorationSpec spec, RowsSpec rows, InputSchema input, int first, int count)
    {
        IReadOnlyList<int> shape = spec.Damage.Observed(input.Shape);
        InputSchema seen = input with { Shape = shape, Kind = shape.Count == 3 ? input.Kind : InputKind.Vector };
        float[] observed = RowsReader.Read(inputs, job, rows, seen, first, count);
        float[]? truth = spec.Truth is { } known ? RowsReader.Read(inputs, job, known, input, first, count) : null;
        return WithMasks(spec, input, observed, truth, count);
    }

    private static DamagedRows OfTruth(IJobInputs inputs, JobDefinition job, RestorationSpec spec, RowsSpec rows, InputSchema input, int first, int item, int count)
    {
        float[] truth = RowsReader.Read(inputs, job, rows, input, first, count);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        LinearOperator linear = LinearOperator.Create(spec.Damage, input);
        Tensor seen = linear.Observe(tensor(truth, [count, .. input.Shape.Select(size => (long)size)]));
        float[] observed = seen.ToFloats();
        int width = observed.Length / count;
        for (int i = 0; i < count; i++)
        {
            // On the host: the same damage whatever the device is.
            using var generator = new Generator(BlockSeed.Derive(spec.Seed, FirstStream + item + i), CPU);
            Damage(observed.AsSpan(i * width, width), spec.Damage, input, generator);
        }
        return WithMasks(spec, input, observed, truth, count);
    }

    private static void Damage(Span<float> row, Damage damage, InputSchema input, Generator generator)
    {
        if (damage.Kind == DamageKind.SaltAndPepper)
        {
            float[] chance = rand(row.Length, generator: generator).ToFloats();
            for (int i = 0; i < row.Length; i++)
                row[i] = chance[i] >= damage.Share!.Value ? row[i] : (float)(chance[i] < damage.Share.Value / 2 ? input.Min : input.Max);
        }
        else if (damage.Sigma is { } sigma)
        {
            float[] noise = randn(row.Length, generator: generator).ToFloats();
            for (int i = 0; i < row.Length; i++)
                row[i] += (float)sigma * noise[i];
        }
    }

    private static DamagedRows WithMasks(RestorationSpec spec, InputSchema input, float[] observed, float[]? truth, int count)
    {
        int length = input.Length();
        bool[] known = new bool[length];
        if (spec.Damage.HasMissing)
        {
            bool[] missing = spec.Damage.Missing(input.Shape);
            for (int i = 0; i < observed.Length; i++)
            {
                if (missing[i % length])
                    observed[i] = (float)((input.Min + input.Max) / 2);
            }
            if (spec.Damage.IsExact)
                known = [.. missing.Select(one => !one)];
        }
        else if (spec.Damage.Kind == DamageKind.SaltAndPepper && input.Variables == VariableKind.Continuous)
        {
            known = [.. observed.Select(value => value > (float)input.Min && value < (float)input.Max)];
        }
        return new DamagedRows(count, observed, known, truth);
    }
}
