using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>A part of the energy that differs from row to row of a block, such as the likelihood of what was observed of each.</summary>
internal interface IRowTerm
{
    /// <summary>Adds the term and its gradient, in place.</summary>
    /// <param name="first">The first of these rows in the block.</param>
    /// <param name="points">(count, ...input).</param>
    /// <param name="energy">(count) float64.</param>
    /// <param name="gradient">(count, ...input).</param>
    void Add(int first, Tensor points, Tensor energy, Tensor gradient);
}
