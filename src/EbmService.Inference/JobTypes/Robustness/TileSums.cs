using EbmService.Inference.Formats;
using static TorchSharp.torch;
using Tile = EbmService.Core.Robustness.RobustnessJob;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>A tile's probabilities, cross-entropies and gradients, summed over the chains of a refined classifier.</summary>
internal sealed class TileSums(int classes, int length)
{
    private readonly double[] _probabilities = new double[Tile.TileRows * classes];
    private readonly double[] _losses = new double[Tile.TileRows];
    private readonly float[] _gradients = new float[Tile.TileRows * length];

    /// <param name="isFirst">Whether sums begin with it.</param>
    public void Add(Tensor logits, Tensor gradient, Tensor labels, bool isFirst)
    {
        double[] log = logits.log_softmax(1).cpu().data<double>().ToArray();
        long[] classOf = labels.cpu().data<long>().ToArray();
        float[] gradients = gradient.ToFloats();
        if (isFirst)
        {
            Array.Clear(_probabilities);
            Array.Clear(_losses);
            Array.Clear(_gradients);
        }
        for (int i = 0; i < log.Length; i++)
            _probabilities[i] += Math.Exp(log[i]);
        for (int row = 0; row < Tile.TileRows; row++)
            _losses[row] -= log[row * classes + (int)classOf[row]];
        for (int i = 0; i < gradients.Length; i++)
            _gradients[i] += gradients[i];
    }

    public int Predicted(int row) => Largest(_probabilities.AsSpan(row * classes, classes));

    public double Loss(int row) => _losses[row];

    public ReadOnlySpan<float> Gradient(int row) => _gradients.AsSpan(row * length, length);

    /// <returns>The place of the largest number, the first of equal ones; -1 where one is no number: such an answer is wrong whatever the class.</returns>
    public static int Largest(ReadOnlySpan<double> values)
    {
        int largest = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i]))
                return -1;
            if (values[i] > values[largest])
                largest = i;
        }
        return largest;
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        tensors["sums.probabilities"] = SafetensorsTensor.FromDoubles(_probabilities, [_probabilities.Length]);
        tensors["sums.losses"] = SafetensorsTensor.FromDoubles(_losses, [_losses.Length]);
        tensors["sums.gradients"] = SafetensorsTensor.FromFloats(_gradients, [_gradients.Length]);
    }

    /// <exception cref="InvalidCheckpointException">The sums are of another model.</exception>
    public void Restore(SafetensorsFile file)
    {
        (double[] probabilities, double[] losses, float[] gradients) =
            (file["sums.probabilities"].ToDoubles(), file["sums.losses"].ToDoubles(), file["sums.gradients"].ToFloats());
        if (probabilities.Length != _probabilities.Length || losses.Length != _losses.Length || gradients.Length != _gradients.Length)
            throw new InvalidCheckpointException("the checkpoint is not of this model");
        probabilities.CopyTo(_probabilities, 0);
        losses.CopyTo(_losses, 0);
        gradients.CopyTo(_gradients, 0);
    }
}
