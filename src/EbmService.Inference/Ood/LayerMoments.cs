using EbmService.Inference.Formats;
using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>
/// Sums over rows from which one layer's <see cref="LayerGaussian"/> comes: first those of the layer itself, then, in its principal components, those of each
/// class. Memory does not grow with the rows.
/// </summary>
internal sealed class LayerMoments
{
    /// <summary>Rows whose products are made at once: a product writes width² sums whatever the rows.</summary>
    private const int Gathered = 512;

    /// <summary>Directions beyond those wanted, and rounds, of the search for components: Halko et al. 2011 ask for 5 to 10 and 1 to 2.</summary>
    private const int Spare = 32, Rounds = 8;

    private readonly int _classes;
    private readonly List<float> _pending = [];
    private double[] _sum;
    private double[] _products;
    private long _rows;
    private LayerGaussian? _basis;
    private double[] _counts;
    private double[] _classSums = [];
    private double[] _classProducts = [];

    public LayerMoments(int length, int classes)
    {
        _classes = Math.Max(1, classes);
        int width = Math.Min(length, LayerGaussian.MaxWidth);
        (_sum, _products, _counts) = (new double[width], new double[width * width], new double[_classes]);
    }

    private int Width => _sum.Length;

    /// <summary>Adds rows to the sums of the layer.</summary>
    /// <param name="values">(rows, length)</param>
    public void Add(float[] values, int rows)
    {
        int length = values.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            _pending.AddRange(Vectors.Fold(values.AsSpan(row * length, length), LayerGaussian.MaxWidth));
            if (_pending.Count == Gathered * Width)
                AddPending();
        }
    }

    /// <summary>The principal components of the rows so far; from now on rows are added by class.</summary>
    public void FindComponents()
    {
        AddPending();
        int size = (int)Math.Min(Math.Min(LayerGaussian.MaxComponents, Width), Math.Max(1, _rows / 4));
        float[] mean = [.. _sum.Select(sum => (float)(sum / _rows))];
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = tensor((double)_rows), centre = tensor(_sum).div_(rows);
        Tensor covariance = tensor(_products, [Width, Width]).div_(rows).sub_(centre.unsqueeze(1).mul(centre));
        float[] columns = LeadingComponents(covariance, size).t().to(ScalarType.Float32).contiguous().ToFloats();
        for (int i = 0; i < size; i++)
            FixSign(columns.AsSpan(i * Width, Width));
        // The sums of all products are of no more use, and most of what a checkpoint would hold.
        _products = [];
        UseBasis(mean, columns);
    }

    private void AddPending()
    {
        if (_pending.Count == 0)
            return;
        int rows = _pending.Count / Width;
        using DisposeScope scope = NewDisposeScope();
        Tensor block = tensor(_pending.ToArray(), [rows, Width]).to(ScalarType.Float64);
        Vectors.AddTo(_sum, block.sum([0L]).data<double>().ToArray());
        Vectors.AddTo(_products, NativePrimitives.Product(block.t(), block).data<double>().ToArray());
        _rows += rows;
        _pending.Clear();
    }

    /// <summary>
    /// Eigenvectors of the largest eigenvalues, as columns, largest first. Of a wide matrix by subspace iteration from a fixed random start and Rayleigh-Ritz
    /// (Halko, Martinsson and Tropp 2011, algorithm 4.4): all eigenvectors would cost some ten times as much.
    /// </summary>
    internal static Tensor LeadingComponents(Tensor covariance, int size)
    {
        long width = covariance.size(0), searched = size + Spare;
        if (width <= 2 * searched)
        {
            (_, Tensor all) = linalg.eigh(covariance);
            return all.narrow(1, width - size, size).flip(1);
        }
        using var generator = new Generator(0UL, CPU);
        Tensor basis = randn([width, searched], ScalarType.Float64, CPU, generator: generator);
        for (int round = 0; round < Rounds; round++)
            (basis, _) = linalg.qr(NativePrimitives.Product(covariance, basis));
        (_, Tensor rotation) = linalg.eigh(NativePrimitives.Product(basis.t(), NativePrimitives.Product(covariance, basis)));
        return NativePrimitives.Product(basis, rotation.narrow(1, Spare, size).flip(1));
    }

    /// <summary>Adds a row to the sums of its class.</summary>
    /// <returns>Where it lies.</returns>
    public LayerPoint AddToClass(ReadOnlySpan<float> row, int label)
    {
        LayerPoint point = _basis!.Place(row);
        int size = point.Components.Length;
        _counts[label]++;
        Span<double> sums = _classSums.AsSpan(label * size, size), products = _classProducts.AsSpan(label * size * size, size * size);
        for (int i = 0; i < size; i++)
        {
            sums[i] += point.Components[i];
            for (int j = 0; j <= i; j++)
                products[i * size + j] += (double)point.Components[i] * point.Components[j];
        }
        return point;
    }

    /// <summary>
    /// The Gaussians of all rows. A class's covariance is drawn towards the common one as if that had been seen on as many rows as there are components (an
    /// inverse Wishart prior), so a rare class has one, too.
    /// </summary>
    public LayerGaussian Fit()
    {
        LayerGaussian basis = _basis!;
        int size = basis.Components;
        var means = new double[_classes * size];
        var scatter = new double[_classes][];
        double[] tied = new double[size * size], whole = new double[size * size];
        double rows = _counts.Sum();
        for (int label = 0; label < _classes; label++)
        {
            for (int i = 0; i < size; i++)
                means[label * size + i] = _counts[label] == 0 ? 0 : _classSums[label * size + i] / _counts[label];
            scatter[label] = new double[size * size];
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j <= i; j++)
                {
                    double products = _classProducts[label * size * size + i * size + j];
                    scatter[label][i * size + j] = products - _counts[label] * means[label * size + i] * means[label * size + j];
                    tied[i * size + j] += scatter[label][i * size + j] / rows;
                    whole[i * size + j] += products / rows;
                }
            }
        }
        var factors = new float[_classes * size * size];
        var logs = new float[_classes];
        for (int label = 0; label < _classes; label++)
        {
            double[] covariance = [.. scatter[label].Select((value, i) => (value + size * tied[i]) / (_counts[label] + size))];
            (float[] factor, double log) = Cholesky.Whitening(covariance, size);
            factor.CopyTo(factors, label * size * size);
            logs[label] = (float)log;
        }
        return basis with
        {
            ClassMeans = Array.ConvertAll(means, value => (float)value),
            ClassFactors = factors,
            LogDeterminants = logs,
            TiedFactor = Cholesky.Whitening(tied, size).Factor,
            WholeFactor = Cholesky.Whitening(whole, size).Factor,
        };
    }

    public void AddTo(Dictionary<string, SafetensorsTensor> tensors, string prefix)
    {
        Add("rows", [_rows]);
        Add("sum", _sum);
        tensors[prefix + "pending"] = SafetensorsTensor.FromFloats([.. _pending], [_pending.Count]);
        Add("products", _products);
        Add("counts", _counts);
        Add("classSums", _classSums);
        Add("classProducts", _classProducts);
        if (_basis is null)
            return;
        tensors[prefix + "mean"] = SafetensorsTensor.FromFloats(_basis.Mean, [Width]);
        tensors[prefix + "basis"] = SafetensorsTensor.FromFloats(_basis.Basis, [_basis.Components, Width]);

        void Add(string name, double[] values) => tensors[prefix + name] = SafetensorsTensor.FromDoubles(values, [values.Length]);
    }

    public void Restore(SafetensorsFile file, string prefix)
    {
        _rows = (long)file[prefix + "rows"].ToDoubles()[0];
        _sum = file[prefix + "sum"].ToDoubles();
        _pending.AddRange(file[prefix + "pending"].ToFloats());
        _products = file[prefix + "products"].ToDoubles();
        if (file.Tensors.ContainsKey(prefix + "basis"))
            UseBasis(file[prefix + "mean"].ToFloats(), file[prefix + "basis"].ToFloats());
        _counts = file[prefix + "counts"].ToDoubles();
        _classSums = file[prefix + "classSums"].ToDoubles();
        _classProducts = file[prefix + "classProducts"].ToDoubles();
    }

    private void UseBasis(float[] mean, float[] basis)
    {
        int size = basis.Length / Width;
        _basis = new LayerGaussian
        {
            Mean = mean, Basis = basis, ClassMeans = [], ClassFactors = [], LogDeterminants = [], TiedFactor = [], WholeFactor = [],
        };
        (_classSums, _classProducts) = (new double[_classes * size], new double[_classes * size * size]);
    }

    /// <summary>An eigenvector has no sign of its own: its largest number is made positive.</summary>
    private static void FixSign(Span<float> vector)
    {
        float largest = 0;
        foreach (float value in vector)
            largest = Math.Abs(value) > Math.Abs(largest) ? value : largest;
        if (largest >= 0)
            return;
        for (int i = 0; i < vector.Length; i++)
            vector[i] = -vector[i];
    }
}
