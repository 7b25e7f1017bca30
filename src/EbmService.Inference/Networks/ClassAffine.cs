using EbmService.Inference.Devices;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>scale x + shift, both by channel and class.</summary>
/// <param name="table">(classes, 4 channels): of each class the scales of the first and second layer of a block, then their shifts.</param>
/// <param name="second">Which of the two layers.</param>
internal sealed class ClassAffine(Tensor table, bool second) : INetworkLayer
{
    private readonly long _channels = table.shape[1] / 4;

    public Tensor Forward(Tensor x, NetworkPass pass) => x.mul(Part(0, pass)).add(Part(2, pass), alpha: Scalars.Kept(1));

    public Tensor Backward(Tensor gradient, NetworkPass pass) => gradient.mul(Part(0, pass));

    private Tensor Part(int first, NetworkPass pass) =>
        table.narrow(1, (first + (second ? 1 : 0)) * _channels, _channels).index_select(0, pass.Labels!).unsqueeze(2).unsqueeze(3);
}
