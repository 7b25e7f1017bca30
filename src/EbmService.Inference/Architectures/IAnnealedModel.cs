using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>An energy with a path of distributions from one of known Z to its own: what annealed importance sampling needs of a model.</summary>
public interface IAnnealedModel : IBlockConditionals
{
    /// <param name="mean">Of data, (numbers of an input), strictly inside the range: the path begins at independent variables of these means.</param>
    /// <param name="steps">Distributions after the first.</param>
    /// <returns>Null where the model has no such path.</returns>
    IAnnealing? AnnealFrom(Tensor mean, int steps);
}

/// <summary>Annealed importance sampling (Neal 2001) along a path whose two ends have normalising constants Z_0, known, and Z.</summary>
public interface IAnnealing
{
    /// <value>log Z_0.</value>
    double LogZOfBase { get; }

    /// <summary>From the known end on.</summary>
    /// <returns>log weights of so many chains, whose mean weight is unbiased for Z / Z_0: its logarithm is low on average.</returns>
    double[] Forward(int chains, Generator generator, CancellationToken cancellationToken);

    /// <summary>From samples of the model back (Grosse et al. 2015).</summary>
    /// <param name="samples">(chains, ...input).</param>
    /// <returns>log weights whose mean weight is unbiased for Z_0 / Z, where the samples are the model's.</returns>
    double[] Reverse(Tensor samples, Generator generator, CancellationToken cancellationToken);
}
