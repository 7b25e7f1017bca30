using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Robustness;

/// <summary>Two classes with the logits 0 and w x + b, whose smallest examples are known: a row is fooled by every radius above |w x + b| / |w|* and by none below.</summary>
internal sealed class LinearClassifier(float[] weight, float bias) : EnergyModel(new Dictionary<string, Tensor>())
{
    public override int Classes => 2;

    public float Margin(ReadOnlySpan<float> x)
    {
        double sum = bias;
        for (int i = 0; i < x.Length; i++)
            sum += weight[i] * (double)x[i];
        return (float)sum;
    }

    public override Tensor Logits(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor margin = x.to(ScalarType.Float64).matmul(tensor(weight).to(ScalarType.Float64)).add(tensor((double)bias));
        return stack([zeros_like(margin), margin], 1).MoveToOuterDisposeScope();
    }

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Logits(x);
        Tensor density = labels is null ? logits.logsumexp(1) : logits.gather(1, labels.unsqueeze(1)).squeeze(1);
        return density.neg().MoveToOuterDisposeScope();
    }

    public override (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Logits(x);
        Tensor slope = CrossEntropySlope(logits, labels).select(1, 1).to(ScalarType.Float32).unsqueeze(1);
        return (logits.MoveToOuterDisposeScope(), slope.mul(tensor(weight)).MoveToOuterDisposeScope());
    }
}
