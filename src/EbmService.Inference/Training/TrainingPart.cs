using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Numerics;
using EbmService.Inference.Samplers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Training;

/// <summary>What one slot brings back from one iteration; the receiver disposes it.</summary>
internal sealed record TrainingPartResult(
    IReadOnlyDictionary<string, Tensor> Gradients, long[] Slots, Tensor Negatives,
    double EnergyData, double EnergySamples, double CrossEntropy, double Accuracy);

/// <summary>
/// One slot's share of an iteration: draw data, run the negative chains from the buffer, differentiate the loss
/// mean(E+ - E-) (or its bounded form) + w mean(E+^2 + E-^2) + cross-entropy. For a model with classes E is E(x, y), and the negatives take
/// the labels of the batch's data: with labels of another distribution the class biases would drift apart whatever the model is.
/// </summary>
internal sealed class TrainingPart(
    TrainingRecipe recipe, ModelDescriptor model, IEnergyModel trained, IEnergyModel frozen, TrainingBatch batch, ReplayBuffer buffer)
{
    private readonly ImageAugmentation? _augmentation = Augments(recipe.Classification)
        ? new ImageAugmentation(model.Input, recipe.Classification!)
        : null;

    /// <param name="generator">The slot's own.</param>
    /// <param name="share">How much of the run is done, [0, 1].</param>
    public TrainingPartResult Compute(Generator generator, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = recipe.BatchSize / recipe.Slots;
        (Tensor data, Tensor? drawn) = batch.Draw(rows, null, generator);
        Tensor? labels = buffer.Classes > 0 ? drawn : null;
        data = Varied(data, generator);
        (Tensor negatives, long[] slots) = recipe.Gibbs is { } gibbs ? RunGibbs(gibbs, data, generator) : RunChains(rows, labels, generator);

        Tensor energyData = trained.Energy(data, labels);
        // Gibbs draws classes too, and summing them out costs nothing.
        Tensor energySamples = trained.Energy(negatives, recipe.Gibbs is null ? labels : null);
        Tensor loss = Contrast(energyData, energySamples).mean()
            .add(energyData.pow(Kept(2)).mean(), Kept(recipe.EnergyL2))
            .add(energySamples.pow(Kept(2)).mean(), Kept(recipe.EnergyL2Samples ?? recipe.EnergyL2));
        (Tensor? crossEntropy, double accuracy) = Classify(generator);
        if (crossEntropy is not null)
            loss = loss.add(crossEntropy, Kept(recipe.Classification!.WeightAt(share)));

        string[] names = [.. trained.Parameters.Keys];
        IList<Tensor> gradients = NativePrimitives.Gradients(
            loss, [.. names.Select(name => trained.Parameters[name])], trained.Parameters,
            data.shape[0], negatives.shape[0], crossEntropy is null ? 0 : recipe.Classification!.BatchSize / recipe.Slots);
        return new TrainingPartResult(
            names.Zip(gradients).ToDictionary(pair => pair.First, pair => pair.Second.DetachFromDisposeScope()),
            slots, negatives.DetachFromDisposeScope(),
            energyData.mean().ToDouble(), energySamples.mean().ToDouble(), crossEntropy?.ToDouble() ?? 0, accuracy);
    }

    /// <summary>
    /// E+ - E-, or softplus of it and the margin: a pair whose chain lags far above the data weighs less in the gradient. Such a chain is
    /// no sample of the model, and pushing it on makes the landscape steeper than chains can follow.
    /// </summary>
    private Tensor Contrast(Tensor energyData, Tensor energySamples) => recipe.LagMargin is { } margin
        ? F.softplus(energyData.sub(energySamples).add(Kept(margin), Kept(1)))
        : energyData.sub(energySamples);

    private (Tensor X, long[] Slots) RunChains(int rows, Tensor? labels, Generator generator)
    {
        SgldRecipe chain = recipe.Chain!;
        int[] classes = labels is null ? AnyClass(rows) : [.. labels.data<long>().ToArray().Select(label => (int)label)];
        (Tensor starts, long[] slots) = buffer.Draw(classes, chain.FreshShare, generator);
        var kernel = new SgldKernel(frozen, chain, chain.Steps);
        using ChainState state = kernel.Init(new ChainStartPoints(starts, labels?.alias()));
        for (int step = 0; step < chain.Steps; step++)
            kernel.Step(state, generator);
        return (state.X.clone(), slots);
    }

    private (Tensor X, long[] Slots) RunGibbs(GibbsRecipe gibbs, Tensor data, Generator generator)
    {
        var model = (IBlockConditionals)frozen;
        // Where chains start at data, the buffer keeps their ends: what later samples start from.
        (Tensor starts, long[] slots) = buffer.Draw(AnyClass((int)data.shape[0]), gibbs.FreshShare, generator);
        Tensor x = gibbs.FromData ? data.clone() : starts;
        for (int step = 0; step < gibbs.Sweeps * model.Blocks; step++)
            model.Resample(x, step % model.Blocks, temperature: 1, labels: null, held: null, generator);
        return (x, slots);
    }

    private static int[] AnyClass(int rows) => [.. Enumerable.Repeat(-1, rows)];

    /// <summary>Data with the recipe's noise; of a binary model each number is the probability of a 1 and drawn anew every time.</summary>
    private Tensor Varied(Tensor data, Generator generator) => model.Input.Variables == VariableKind.Binary
        ? BinaryLevels.Draw(data, generator)
        : data.add_(empty_like(data).normal_(0, recipe.DataNoise, generator), Kept(1));

    private (Tensor? Loss, double Accuracy) Classify(Generator generator)
    {
        if (recipe.Classification is not { } classification)
            return (null, 0);
        (Tensor data, Tensor? labels) = batch.Draw(classification.BatchSize / recipe.Slots, _augmentation, generator);
        data = Varied(data, generator);
        Tensor logits = trained.Logits(data)!;
        double accuracy = logits.argmax(1).eq(labels!).mean([0], type: ScalarType.Float32).ToDouble();
        return (F.cross_entropy(logits, labels!), accuracy);
    }

    private static bool Augments(ClassificationRecipe? recipe) =>
        recipe is not null && (recipe.Shift > 0 || recipe.Rotation > 0 || recipe.Scale > 0);
}
