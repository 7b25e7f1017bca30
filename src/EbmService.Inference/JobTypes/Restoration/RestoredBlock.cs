using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Inference.Formats;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>One block's result, read back. Items are inputs, then rows for the calibration; samples, fills and nearest rows are of inputs alone.</summary>
internal sealed class RestoredBlock(BlockPlan block, SafetensorsFile file)
{
    public const string Mean = "mean", Deviation = "deviation", Low = "low", High = "high", Samples = "samples", Observed = "observed", Known = "known",
        Energies = "energies", Truth = "truth", Fill = "fill", Nearest = "nearest", NearestMean = "nearestMean";

    public BlockPlan Block => block;

    public bool IsDone { get; } = int.Parse(file.Metadata["step"], CultureInfo.InvariantCulture) == block.Steps;

    public int Diverged { get; } = int.Parse(file.Metadata["diverged"], CultureInfo.InvariantCulture);

    public bool Has(string name) => file.Tensors.ContainsKey(name);

    public float[] Floats(string name) => file[name].ToFloats();

    public byte[] Bytes(string name) => file[name].ToBytes();

    public double[] Doubles(string name) => file[name].ToDoubles();

    public static RestoredBlock Read(BlockResult result) => new(result.Block, SafetensorsFile.Read(result.Read()));
}
