namespace EbmService.Inference.Models;

/// <summary>What a model may ask of a server, so that a descriptor alone can't exhaust it.</summary>
internal static class ModelLimits
{
    internal const long MaxParameters = 64L << 20;

    /// <summary>Numbers in one input.</summary>
    internal const long MaxInputLength = 4L << 20;

    /// <summary>Numbers in all layers together, for one input.</summary>
    internal const long MaxActivations = 64L << 20;

    internal const int MaxLayers = 256;

    internal const int MaxClasses = 65536;

    /// <summary>Side of the precision matrix of a Gaussian.</summary>
    internal const int MaxGaussianDimension = 1024;

    internal const long MaxDescriptorFile = 4 << 20;

    internal const long MaxFile = 1L << 30;
}
