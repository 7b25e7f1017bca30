using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>
/// Adam (Kingma and Ba 2015) with a moving average of the weights. Ours rather than TorchSharp's because its whole state is
/// named tensors, so that a run resumes to the bit from one safetensors file.
/// </summary>
internal sealed class AdamOptimizer : IDisposable
{
    private const double Epsilon = 1e-8;
    private readonly TrainingRecipe _recipe;
    private readonly IReadOnlyDictionary<string, Tensor> _parameters;

    public AdamOptimizer(TrainingRecipe recipe, IReadOnlyDictionary<string, Tensor> parameters)
    {
        _recipe = recipe;
        _parameters = parameters;
        foreach ((string name, Tensor parameter) in parameters)
        {
            State["m." + name] = zeros_like(parameter).DetachFromDisposeScope();
            State["v." + name] = zeros_like(parameter).DetachFromDisposeScope();
            State["average." + name] = parameter.detach().clone().DetachFromDisposeScope();
        }
    }

    /// <value>First and second moments and the averaged weights, under m., v. and average.</value>
    public Dictionary<string, Tensor> State { get; } = [];

    /// <summary>The averaged weights by parameter name; still owned here.</summary>
    public IReadOnlyDictionary<string, Tensor> Average() =>
        _parameters.Keys.ToDictionary(name => name, name => State["average." + name]);

    /// <summary>One update in place.</summary>
    /// <param name="gradients">By parameter name; clipped here to the recipe's norm.</param>
    /// <param name="learningRate">For this iteration.</param>
    /// <param name="iteration">From 1.</param>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Update(IReadOnlyDictionary<string, Tensor> gradients, double learningRate, int iteration)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double norm = Math.Sqrt(gradients.Values.Sum(gradient => gradient.pow(Kept(2)).sum().ToDouble()));
        double shrink = Math.Min(1, _recipe.GradientNormClip / (norm + 1e-6));
        double correction1 = 1 - Math.Pow(_recipe.Beta1, iteration);
        double correction2 = 1 - Math.Pow(_recipe.Beta2, iteration);
        double decay = Math.Min(_recipe.AverageDecay, (1.0 + iteration) / (10.0 + iteration));
        foreach ((string name, Tensor parameter) in _parameters)
        {
            Tensor gradient = gradients[name].mul(Kept(shrink));
            Tensor m = State["m." + name].mul_(Kept(_recipe.Beta1)).add_(gradient, alpha: Kept(1 - _recipe.Beta1));
            Tensor v = State["v." + name].mul_(Kept(_recipe.Beta2)).addcmul_(gradient, gradient, Kept(1 - _recipe.Beta2));
            Tensor scale = v.div(Kept(correction2)).sqrt_().add_(Kept(Epsilon), Kept(1));
            if (_recipe.WeightDecay > 0 && name.EndsWith("weight", StringComparison.Ordinal))
                parameter.mul_(Kept(1 - learningRate * _recipe.WeightDecay));
            parameter.addcdiv_(m, scale, Kept(-learningRate / correction1));
            State["average." + name].mul_(Kept(decay)).add_(parameter, alpha: Kept(1 - decay));
        }
        return norm;
    }

    public void Dispose()
    {
        foreach (Tensor tensor in State.Values)
            tensor.Dispose();
    }
}
