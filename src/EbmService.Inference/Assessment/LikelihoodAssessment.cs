using EbmService.Core.Models;
using EbmService.Inference.Annealing;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Assessment;

/// <summary>What the estimate is made with.</summary>
/// <param name="Chains">Independent chains each way.</param>
/// <param name="Steps">Intermediate distributions.</param>
/// <param name="Sweeps">Gibbs sweeps from the version's buffer to the samples that the reverse way starts from.</param>
public sealed record LikelihoodSettings(int Chains = 100, int Steps = 10_000, int Sweeps = 2000, long Seed = 1);

/// <summary>Mean log-probabilities in nats per row, each from a log Z that is low and one that is high on average.</summary>
/// <param name="LogZForward">With <paramref name="LogZForwardSpread"/>, the logs of the mean weight minus and plus three standard errors.</param>
public sealed record LikelihoodReport(
    double LogZForward, (double Low, double High) LogZForwardSpread, double LogZReverse, (double Low, double High) LogZReverseSpread,
    double EnergyOfTest, double EnergyOfTraining)
{
    /// <value>Per row of the test set; above the truth on average.</value>
    public double TestForward => -EnergyOfTest - LogZForward;

    /// <value>Below it on average, where the reverse chains started from true samples.</value>
    public double TestReverse => -EnergyOfTest - LogZReverse;

    public double TrainingForward => -EnergyOfTraining - LogZForward;
}

/// <summary>The test log-probability of binary models by annealed importance sampling, both ways.</summary>
public static class LikelihoodAssessment
{
    private const int Tile = 500;
    private const int MaxRows = 10_000;
    private const string NoPath =
        "the model has no path to a distribution of known Z: restricted Boltzmann machines of binary units without label units do";

    /// <param name="loaded">A version; its persistent chains, where it has some, are what the backward way's samples go on from.</param>
    /// <exception cref="InvalidModelException">The model has no path to a distribution of known Z.</exception>
    public static LikelihoodReport Run(
        LoadedModel loaded, ITrainingData training, ITrainingData test, LikelihoodSettings settings, Action<string> say,
        CancellationToken cancellationToken)
    {
        set_num_threads(Environment.ProcessorCount);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel energy = loaded.CreateEnergy(CPU);
        if (energy is not IAnnealedModel model)
            throw new InvalidModelException(NoPath);
        InputSchema input = loaded.Hosted.Descriptor!.Input;
        (double ofTraining, Tensor mean) = Score(model, input, training);
        using IAnnealedPath path = model.PathFrom(mean, temperature: 1) ?? throw new InvalidModelException(NoPath);
        (double ofTest, _) = Score(model, input, test);
        IReadOnlyList<double> betas = AnnealingLadder.Published(settings.Steps);
        using var generator = new Generator((ulong)settings.Seed);
        say($"forwards: {settings.Chains} chains over {settings.Steps} distributions");
        (double forward, (double, double) forwardSpread) =
            LogMean(Walk(path, path.Draw(settings.Chains, generator), betas, backwards: false, generator, cancellationToken));
        say($"backwards: from {settings.Chains} samples after {settings.Sweeps} sweeps");
        Tensor samples = Samples(model, input, loaded.Buffer?.ToTensor(), settings, generator, cancellationToken);
        (double reverse, (double Low, double High) spread) = LogMean(Walk(path, samples, [.. betas.Reverse()], backwards: true, generator, cancellationToken));
        double start = path.LogZOfBase;
        return new LikelihoodReport(
            start + forward, (start + forwardSpread.Item1, start + forwardSpread.Item2), start - reverse, (start - spread.High, start - spread.Low),
            ofTest, ofTraining);
    }

    /// <summary>Logs of the weights of chains along the path, weighed at each step before they take it.</summary>
    /// <param name="x">Where they begin; moved in place.</param>
    private static double[] Walk(
        IAnnealedPath path, Tensor x, IReadOnlyList<double> betas, bool backwards, Generator generator, CancellationToken cancellationToken)
    {
        Tensor logWeights = zeros(x.shape[0], dtype: ScalarType.Float64);
        for (int step = 1; step < betas.Count - 1; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            path.WeighAndMove(x, betas[step - 1], betas[step], backwards, logWeights, generator);
        }
        path.Weigh(x, betas[^2], betas[^1], logWeights);
        return logWeights.data<double>().ToArray();
    }

    /// <summary>Mean energy of the first rows, and the mean row.</summary>
    private static (double Energy, Tensor Mean) Score(IEnergyModel model, InputSchema input, ITrainingData data)
    {
        int rows = Math.Min(MaxRows, data.Count);
        int[] all = [.. Enumerable.Range(0, rows)];
        double energy = 0;
        Tensor sum = zeros(data.RowLength);
        for (int first = 0; first < rows; first += Tile)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Tile, rows - first);
            Tensor drawn = TrainingRows.Read(input, data, all, first, count);
            energy += model.Energy(drawn).sum().ToDouble();
            sum.add_(drawn.flatten(1).sum([0]), Kept(1));
        }
        // As if one row more had been half on: no mean is 0 or 1.
        return (energy / rows, sum.add_(Kept(0.5), Kept(1)).div_(Kept(rows + 1)));
    }

    private static Tensor Samples(
        IAnnealedModel model, InputSchema input, Tensor? buffer, LikelihoodSettings settings, Generator generator, CancellationToken cancellationToken)
    {
        Tensor x = buffer is null
            ? ReplayBuffer.FromBase(settings.Chains, input, generator)
            : buffer.index_select(0, randint(buffer.shape[0], [settings.Chains], dtype: ScalarType.Int64, generator: generator));
        for (int draw = 0; draw < settings.Sweeps * model.Blocks; draw++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            model.Resample(x, draw % model.Blocks, temperature: 1, labels: null, held: null, generator);
        }
        return x;
    }

    /// <summary>The log of the mean of weights, and of that mean three standard errors lower and higher.</summary>
    private static (double Log, (double Low, double High) Spread) LogMean(double[] logs)
    {
        double top = logs.Max();
        double[] weights = [.. logs.Select(log => Math.Exp(log - top))];
        double mean = weights.Average();
        double error = Math.Sqrt(weights.Sum(weight => (weight - mean) * (weight - mean)) / (weights.Length - 1.0) / weights.Length);
        return (top + Math.Log(mean), (top + Math.Log(Math.Max(mean - 3 * error, double.Epsilon)), top + Math.Log(mean + 3 * error)));
    }
}
