using EbmService.Inference.Formats;

namespace EbmService.Inference.Ood;

/// <summary>A row at one layer: its leading principal components and what lies outside of them.</summary>
/// <param name="Residual">The length of the part outside.</param>
internal readonly record struct LayerPoint(float[] Components, double Residual);

/// <summary>
/// What is fitted of one layer: its leading principal components, a Gaussian of the rows of each class in them, one covariance about all class means, and one
/// about the mean of all. Classes are the model's own verdicts, so the rows need no labels; a model without classes has one.
/// </summary>
internal sealed record LayerGaussian
{
    /// <summary>The most numbers of a layer that are looked at: a longer one is folded.</summary>
    public const int MaxWidth = 1600;

    /// <summary>The most components.</summary>
    public const int MaxComponents = 64;

    /// <value>(width)</value>
    public required float[] Mean { get; init; }

    /// <value>(components, width), orthonormal rows.</value>
    public required float[] Basis { get; init; }

    /// <value>(classes, components)</value>
    public required float[] ClassMeans { get; init; }

    /// <value>(classes, components, components): lower triangular L with L'L the inverse covariance.</value>
    public required float[] ClassFactors { get; init; }

    /// <value>(classes): log-determinants of the covariances.</value>
    public required float[] LogDeterminants { get; init; }

    /// <value>(components, components), about the class means.</value>
    public required float[] TiedFactor { get; init; }

    /// <value>(components, components), about the mean of all rows.</value>
    public required float[] WholeFactor { get; init; }

    public int Width => Mean.Length;

    public int Components => Basis.Length / Mean.Length;

    public int Classes => LogDeterminants.Length;

    public LayerPoint Place(ReadOnlySpan<float> row)
    {
        ReadOnlySpan<float> folded = Vectors.Fold(row, MaxWidth);
        var centred = new float[Width];
        for (int i = 0; i < centred.Length; i++)
            centred[i] = folded[i] - Mean[i];
        var components = new float[Components];
        for (int i = 0; i < components.Length; i++)
            components[i] = Vectors.Dot(Basis.AsSpan(i * Width, Width), centred);
        double outside = Vectors.SquaredLength(centred) - Vectors.SquaredLength(components);
        return new LayerPoint(components, Math.Sqrt(Math.Max(0, outside)));
    }

    /// <summary>The log-density of the Gaussian of a class, but for a constant.</summary>
    public double LogDensity(LayerPoint point, int label)
    {
        int size = Components;
        double distance = Vectors.Whitened(
            ClassFactors.AsSpan(label * size * size, size * size), point.Components, ClassMeans.AsSpan(label * size, size));
        return -(distance + LogDeterminants[label]) / 2;
    }

    /// <summary>The least squared Mahalanobis distance to a class mean, by the covariance that all classes share (Lee et al. 2018).</summary>
    public double Distance(LayerPoint point)
    {
        double least = double.PositiveInfinity;
        for (int label = 0; label < Classes; label++)
        {
            least = Math.Min(least, Vectors.Whitened(
                TiedFactor, point.Components, ClassMeans.AsSpan(label * Components, Components)));
        }
        return least;
    }

    /// <summary>That to the mean of all rows, by their own covariance (Ren et al. 2021).</summary>
    public double WholeDistance(LayerPoint point) => Vectors.Whitened(WholeFactor, point.Components, new float[Components]);

    public void AddTo(Dictionary<string, SafetensorsTensor> tensors, string prefix)
    {
        long width = Width, size = Components, classes = Classes;
        Add("mean", Mean, width);
        Add("basis", Basis, size, width);
        Add("classMeans", ClassMeans, classes, size);
        Add("classFactors", ClassFactors, classes, size, size);
        Add("logDeterminants", LogDeterminants, classes);
        Add("tiedFactor", TiedFactor, size, size);
        Add("wholeFactor", WholeFactor, size, size);

        void Add(string name, float[] values, params long[] shape) => tensors[prefix + name] = SafetensorsTensor.FromFloats(values, shape);
    }

    /// <exception cref="InvalidCheckpointException">A tensor is missing, or of another shape than the others.</exception>
    public static LayerGaussian Read(SafetensorsFile file, string prefix)
    {
        long width = file[prefix + "mean"].Count, classes = file[prefix + "logDeterminants"].Count;
        long size = width == 0 ? 0 : file[prefix + "basis"].Count / width;
        if (width is < 1 or > MaxWidth || size is < 1 or > MaxComponents || classes is < 1 or > 65536)
            throw new InvalidCheckpointException($"'{prefix}mean' has no possible shape");
        return new LayerGaussian
        {
            Mean = Floats("mean", width),
            Basis = Floats("basis", size, width),
            ClassMeans = Floats("classMeans", classes, size),
            ClassFactors = Floats("classFactors", classes, size, size),
            LogDeterminants = Floats("logDeterminants", classes),
            TiedFactor = Floats("tiedFactor", size, size),
            WholeFactor = Floats("wholeFactor", size, size),
        };

        float[] Floats(string name, params long[] shape)
        {
            SafetensorsTensor tensor = file[prefix + name];
            if (!tensor.Shape.SequenceEqual(shape))
                throw new InvalidCheckpointException($"'{prefix}{name}' has the wrong shape");
            float[] values = tensor.ToFloats();
            return Array.TrueForAll(values, float.IsFinite) ? values : throw new InvalidCheckpointException($"'{prefix}{name}' holds NaN or infinity");
        }
    }
}
