using EbmService.Core.Training;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>
/// Adam (Kingma and Ba 2015), or gradient descent with momentum (Polyak 1964), with a moving average of the weights. Ours rather than
/// TorchSharp's because its whole state is named tensors, so that a run resumes to the bit from one safetensors file.
/// </summary>
internal sealed class TrainingOptimizer : IDisposable
{
    private const double Epsilon = 1e-8;
    private readonly TrainingRecipe _recipe;
    private readonly IReadOnlyDictionary<string, Tensor> _parameters;

    public TrainingOptimizer(TrainingRecipe recipe, IReadOnlyDictionary<string, Tensor> parameters)
    {
        _recipe = recipe;
        _parameters = parameters;
        foreach ((string name, Tensor parameter) in parameters)
        {
            State["m." + name] = zeros_like(parameter).DetachFromDisposeScope();
            if (recipe.Momentum is null)
                State["v." + name] = zeros_like(parameter).DetachFromDisposeScope();
            State["average." + name] = parameter.detach().clone().DetachFromDisposeScope();
        }
    }

    /// <value>First moments (or velocities), second moments and the averaged weights, under m., v. and average.</value>
    public Dictionary<string, Tensor> State { get; } = [];

    /// <summary>The averaged weights by parameter name; still owned here.</summary>
    public IReadOnlyDictionary<string, Tensor> Average() =>
        _parameters.Keys.ToDictionary(name => name, name => State["average." + name]);

    /// <returns>The L2 norm of the whole gradient.</returns>
    public static double NormOf(IReadOnlyDictionary<string, Tensor> gradients)
    {
        using DisposeScope scope = NewDisposeScope();
        return Math.Sqrt(gradients.Values.Sum(gradient => gradient.pow(Kept(2)).sum().ToDouble()));
    }

    /// <summary>One update in place.</summary>
    /// <param name="gradients">By parameter name; clipped here to the recipe's norm.</param>
    /// <param name="norm">Of <see cref="NormOf"/>.</param>
    /// <param name="learningRate">For this iteration.</param>
    /// <param name="iteration">From 1.</param>
    public void Update(IReadOnlyDictionary<string, Tensor> gradients, double norm, double learningRate, int iteration)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double shrink = Math.Min(1, _recipe.GradientNormClip / (norm + 1e-6));
        double decay = Math.Min(_recipe.AverageDecay, (1.0 + iteration) / (10.0 + iteration));
        foreach ((string name, Tensor parameter) in _parameters)
        {
            Tensor gradient = gradients[name].mul(Kept(shrink));
            if (_recipe.WeightDecay > 0 && name.EndsWith("weight", StringComparison.Ordinal))
                parameter.mul_(Kept(1 - learningRate * _recipe.WeightDecay));
            if (_recipe.Momentum is { } momentum)
                parameter.add_(State["m." + name].mul_(Kept(momentum)).add_(gradient, Kept(1)), alpha: Kept(-learningRate));
            else
                Adam(name, parameter, gradient, learningRate, iteration);
            State["average." + name].mul_(Kept(decay)).add_(parameter, alpha: Kept(1 - decay));
        }
    }

    private void Adam(string name, Tensor parameter, Tensor gradient, double learningRate, int iteration)
    {
        double correction1 = 1 - Math.Pow(_recipe.Beta1, iteration);
        double correction2 = 1 - Math.Pow(_recipe.Beta2, iteration);
        Tensor m = State["m." + name].mul_(Kept(_recipe.Beta1)).add_(gradient, alpha: Kept(1 - _recipe.Beta1));
        Tensor v = State["v." + name].mul_(Kept(_recipe.Beta2)).addcmul_(gradient, gradient, Kept(1 - _recipe.Beta2));
        Tensor scale = v.div(Kept(correction2)).sqrt_().add_(Kept(Epsilon), Kept(1));
        parameter.addcdiv_(m, scale, Kept(-learningRate / correction1));
    }

    public void Dispose()
    {
        foreach (Tensor tensor in State.Values)
            tensor.Dispose();
    }
}
