using System.Diagnostics;
using System.Globalization;
using EbmService.Core.Training;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Data;
using EbmService.Inference.Formats;
using EbmService.Inference.Numerics;
using EbmService.Inference.Randomness;
using EbmService.Inference.Training;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Assessment;

/// <summary>
/// The judge of class-conditional samples: a convolutional classifier of its own shape, trained on labelled images by
/// cross-entropy alone, that shares nothing with the model it judges.
/// </summary>
public sealed class IndependentClassifier : IDisposable
{
    private const int BatchSize = 128;
    private const int Slots = 2;
    private const double DataNoise = 0.05;
    private const string SecondsKey = "trainingSeconds";
    private static readonly ClassificationRecipe Variation = new(BatchSize, Shift: 2, Rotation: 10, Scale: 0.1);
    private readonly IEnergyModel _network;

    private IndependentClassifier(IEnergyModel network, double trainingSeconds) => (_network, TrainingSeconds) = (network, trainingSeconds);

    public double TrainingSeconds { get; }

    public int ParameterCount => (int)_network.Parameters.Values.Sum(parameter => parameter.numel());

    /// <summary>Reads a classifier that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidCheckpointException">The file is damaged, or of images of another shape or number of classes.</exception>
    public static IndependentClassifier Load(string path, InputSchema input, int classes)
    {
        SafetensorsFile file = SafetensorsFile.ReadFile(path);
        var parameters = new Dictionary<string, Tensor>();
        foreach ((string name, long[] shape) in EnergyModelFactory.ParameterShapes(Architecture(classes), input))
        {
            if (!file[name].Shape.SequenceEqual(shape))
                throw new InvalidCheckpointException($"the classifier's '{name}' has another shape: it was trained on other images");
            parameters[name] = file[name].ToTensor();
        }
        double.TryParse(file.Metadata.GetValueOrDefault(SecondsKey), CultureInfo.InvariantCulture, out double seconds);
        return new IndependentClassifier(EnergyModelFactory.Create(Architecture(classes), parameters), seconds);
    }

    public void Save(string path) => SafetensorsFile.WriteFile(
        path,
        _network.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
        new Dictionary<string, string> { [SecondsKey] = TrainingSeconds.ToString("F1", CultureInfo.InvariantCulture) });

    /// <summary>Trains on images varied by shifts, turns, scale and a little noise; blocks the caller.</summary>
    /// <param name="epochs">Passes over the images; 3 give about 99.2 % on MNIST.</param>
    /// <param name="report">Told the share done and the running loss.</param>
    public static IndependentClassifier Train(
        ImageDataset images, InputSchema input, int classes, double epochs, long seed,
        Action<double, double>? report, CancellationToken cancellationToken)
    {
        // Updates are small; a team of threads would only spin beside the slots.
        set_num_threads(1);
        var watch = Stopwatch.StartNew();
        int iterations = Math.Max(1, (int)(epochs * images.Count / BatchSize));
        // Only the optimizer's numbers are used of this recipe.
        var recipe = new TrainingRecipe
        {
            Iterations = iterations, Seed = seed, Chain = SgldRecipes.BuiltIn[SgldRecipes.Langevin],
            GradientNormClip = 5, AverageDecay = 0.99,
        };
        using var initial = new Generator(BlockSeed.Derive(seed, -1));
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(Architecture(classes), input, initial);
        foreach (Tensor parameter in parameters.Values)
            parameter.requires_grad_(true);
        using IEnergyModel network = EnergyModelFactory.Create(Architecture(classes), parameters);
        using var optimizer = new TrainingOptimizer(recipe, parameters);
        var batch = new TrainingBatch(new ImageTrainingData(images, input), [.. Enumerable.Range(0, images.Count)], input);
        var augmentation = new ImageAugmentation(input, Variation);
        TrainingSlot[] slots = [.. Enumerable.Range(0, Slots).Select(index => new TrainingSlot(index))];
        Generator[] generators = [.. Enumerable.Range(0, Slots).Select(slot => new Generator(BlockSeed.Derive(seed, slot)))];
        try
        {
            for (int iteration = 1; iteration <= iterations; iteration++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using DisposeScope scope = NewDisposeScope();
                Task<(Dictionary<string, Tensor> Gradients, double Loss)>[] running =
                    [.. slots.Select((slot, i) => slot.Start(() => Differentiate(network, batch, augmentation, generators[i])))];
                (Dictionary<string, Tensor> Gradients, double Loss)[] parts = [.. running.Select(task => task.GetAwaiter().GetResult())];
                double rate = 2e-3 * Math.Min(1, iteration / 50.0) * (1 + Math.Cos(Math.PI * iteration / iterations)) / 2;
                Dictionary<string, Tensor> mean = Mean(parts);
                optimizer.Update(mean, TrainingOptimizer.NormOf(mean), rate, iteration);
                report?.Invoke((double)iteration / iterations, parts.Average(part => part.Loss));
            }
        }
        finally
        {
            foreach (TrainingSlot slot in slots)
                slot.Dispose();
            foreach (Generator generator in generators)
                generator.Dispose();
        }
        Dictionary<string, Tensor> average = optimizer.Average().ToDictionary(pair => pair.Key, pair => pair.Value.clone().DetachFromDisposeScope());
        return new IndependentClassifier(EnergyModelFactory.Create(Architecture(classes), average), watch.Elapsed.TotalSeconds);
    }

    /// <summary>p(y | x) of images (n, ...input): (n, classes).</summary>
    public float[] Probabilities(TensorPayload images)
    {
        const int rows = 256;
        var probabilities = new List<float>();
        using IDisposable noGradient = no_grad();
        for (int first = 0; first < images.Rows; first += rows)
        {
            using DisposeScope scope = NewDisposeScope();
            TensorPayload part = images.Slice(first, Math.Min(rows, images.Rows - first));
            Tensor x = tensor(part.Values, [.. part.Shape.Select(size => (long)size)]);
            probabilities.AddRange(_network.Logits(x)!.softmax(1).ToFloats());
        }
        return [.. probabilities];
    }

    private static ConvJemSpec Architecture(int classes) => new(
        [new ConvolutionLayer(32, 5, 2, 2), new ConvolutionLayer(48, 3), new ConvolutionLayer(96, 3, 2)], classes);

    private static (Dictionary<string, Tensor> Gradients, double Loss) Differentiate(
        IEnergyModel network, TrainingBatch batch, ImageAugmentation augmentation, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor x, Tensor? labels) = batch.Draw(BatchSize / Slots, augmentation, generator);
        x.add_(empty_like(x).normal_(0, DataNoise, generator), Kept(1));
        Tensor loss = F.cross_entropy(network.Logits(x)!, labels!);
        string[] names = [.. network.Parameters.Keys];
        IList<Tensor> gradients = NativePrimitives.Gradients(loss, [.. names.Select(name => network.Parameters[name])], network.Parameters, x.shape[0]);
        return (names.Zip(gradients).ToDictionary(pair => pair.First, pair => pair.Second.DetachFromDisposeScope()), loss.ToDouble());
    }

    private static Dictionary<string, Tensor> Mean((Dictionary<string, Tensor> Gradients, double Loss)[] parts)
    {
        Dictionary<string, Tensor> mean = parts[0].Gradients.Keys.ToDictionary(
            name => name, name => stack([.. parts.Select(part => part.Gradients[name])]).mean([0]));
        foreach ((Dictionary<string, Tensor> gradients, _) in parts)
        {
            foreach (Tensor gradient in gradients.Values)
                gradient.Dispose();
        }
        return mean;
    }

    public void Dispose() => _network.Dispose();
}
