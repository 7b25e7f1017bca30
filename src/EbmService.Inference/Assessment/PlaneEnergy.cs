using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.Assessment;

/// <summary>Pictures of the energy of a model of the plane.</summary>
public sealed class PlaneEnergy(IJobRunner runner)
{
    private const int Side = 240;

    // Energies above this much over the lowest are drawn alike: nothing is left to see there.
    private const float Depth = 10;
    private const int CoarseSide = 60;

    /// <summary>The part of the plane where the density or the overlay's points are.</summary>
    /// <param name="model">Its inputs have two numbers.</param>
    /// <param name="title">Over the picture.</param>
    /// <param name="overlay">What is drawn over it.</param>
    /// <returns>PNG bytes.</returns>
    public async Task<byte[]> RenderAsync(HostedModel model, string title, PlaneOverlay overlay, CancellationToken cancellationToken)
    {
        var scorer = new SetScorer(runner, model, cancellationToken);
        InputSchema input = model.Descriptor!.Input;
        PlaneSquare square = await InterestingAsync(scorer, input, overlay.Points);
        return PlanePlot.RenderEnergy(title, square, await EnergiesAsync(scorer, square, Side), Side, overlay);
    }

    internal static async Task<byte[]> RenderAsync(SetScorer scorer, InputSchema input, string title) =>
        PlanePlot.RenderEnergy(title, PlaneSquare.Of(input), await EnergiesAsync(scorer, PlaneSquare.Of(input), Side), Side);

    private static async Task<PlaneSquare> InterestingAsync(SetScorer scorer, InputSchema input, TensorPayload points)
    {
        double size = input.Max - input.Min;
        float[] coarse = await EnergiesAsync(scorer, PlaneSquare.Of(input), CoarseSide);
        float deep = coarse.Where(float.IsFinite).DefaultIfEmpty(0).Min() + Depth;
        var x = new List<double>();
        var y = new List<double>();
        for (int i = 0; i < coarse.Length; i++)
        {
            if (coarse[i] > deep)
                continue;
            x.Add(input.Min + (i % CoarseSide + 0.5) * size / CoarseSide);
            y.Add(input.Max - (i / CoarseSide + 0.5) * size / CoarseSide);
        }
        for (int i = 0; i < points.Rows; i++)
        {
            x.Add(Math.Clamp(points.Row(i)[0], input.Min, input.Max));
            y.Add(Math.Clamp(points.Row(i)[1], input.Min, input.Max));
        }
        double side = Math.Min(size, 1.15 * Math.Max(x.Max() - x.Min(), y.Max() - y.Min()) + 2 * size / CoarseSide);
        double Begin(List<double> values) => Math.Clamp((values.Min() + values.Max() - side) / 2, input.Min, input.Max - side);
        return new PlaneSquare(Begin(x), Begin(y), side);
    }

    /// <summary>E at the middles of a grid of cells, the top row first.</summary>
    private static Task<float[]> EnergiesAsync(SetScorer scorer, PlaneSquare square, int side)
    {
        var points = new float[2 * side * side];
        double cell = square.Size / side;
        for (int i = 0; i < side * side; i++)
        {
            points[2 * i] = (float)(square.Left + (i % side + 0.5) * cell);
            points[2 * i + 1] = (float)(square.Bottom + square.Size - (i / side + 0.5) * cell);
        }
        return scorer.EnergiesAsync(new TensorPayload([side * side, 2], points));
    }
}
