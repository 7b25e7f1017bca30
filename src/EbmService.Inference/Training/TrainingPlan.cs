using System.Globalization;
using EbmService.Core.Training;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Models;

namespace EbmService.Inference.Training;

/// <summary>A model folder made ready for training: its <c>model.json</c> and <c>training.json</c>, both checked.</summary>
public sealed record TrainingPlan(ModelDescriptor Model, TrainingRecipe Recipe)
{
    public const string RecipeFile = "training.json";

    internal const long MaxRecipeFile = 1 << 20;

    /// <param name="config">Another file in place of the folder's own.</param>
    /// <exception cref="InvalidModelException">A file is missing or not valid; the message says which and why.</exception>
    public static TrainingPlan Read(string modelFolder, string? config = null)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder));
        var repository = new RepositoryFolder(Path.GetDirectoryName(folder) ?? folder);
        (ModelDescriptor model, _) = new ModelVersionReader(repository).ReadDescriptor(folder, Path.GetFileName(folder));
        byte[] json = (config is null ? repository.TryRead(folder, RecipeFile, MaxRecipeFile) : File.ReadAllBytes(config))
            ?? throw new InvalidModelException($"{RecipeFile} is missing: it holds the numbers of the training run");
        return new TrainingPlan(model, ModelJson.Parse<TrainingRecipe>(json, config is null ? RecipeFile : Path.GetFileName(config))).Checked();
    }

    /// <summary>This plan with another number of iterations.</summary>
    /// <exception cref="InvalidModelException">The number is not allowed.</exception>
    public TrainingPlan WithIterations(int iterations) => (this with { Recipe = Recipe with { Iterations = iterations } }).Checked();

    /// <summary>What keeps the data from being trained on; null when it fits.</summary>
    public string? FaultOf(ITrainingData data)
    {
        int classes = Model.Labels.Count;
        InputSchema visible = Model.VisibleSchema();
        if ((FaultOf(data, visible) ?? FaultOfValues(data, visible)) is { } fault)
            return fault;
        if (data.Count < Recipe.BatchSize)
            return $"the data has {data.Count} rows, fewer than one batch of {Recipe.BatchSize}";
        if (classes == 0)
            return null;
        if (!data.HasLabels)
            return "the model has classes, but the data has no labels";
        for (int i = 0; i < data.Count; i++)
        {
            if (data.Label(i) < 0 || data.Label(i) >= classes)
                return $"row {i} has the label {data.Label(i)}, the model has {classes} classes";
        }
        return null;
    }

    /// <summary>What keeps the data's rows from being inputs, or the visible part of them; null when they can be.</summary>
    /// <param name="input">The model's visible schema.</param>
    public static string? FaultOf(ITrainingData data, InputSchema input) => data.RowLength == input.Length()
        ? null : $"a row of the data has {data.RowLength} numbers, the model takes {input.Length()}";

    /// <summary>Numbers outside the model's range would be trained on without a word, for example bytes where it takes 0 to 1.</summary>
    private static string? FaultOfValues(ITrainingData data, InputSchema input)
    {
        var row = new float[data.RowLength];
        for (int i = 0; i < data.Count; i++)
        {
            data.CopyRow(i, row);
            foreach (float value in row)
            {
                if (!(value >= input.Min && value <= input.Max))
                    return string.Create(CultureInfo.InvariantCulture, $"row {i} holds {value}, the model's inputs lie between {input.Min} and {input.Max}");
            }
            if (input.Variables == VariableKind.Categorical && !IsOneHot(row, input.Shape[^1]))
                return $"row {i} is not one-hot in its last dimension of {input.Shape[^1]}, as the model's categorical variables are";
        }
        return null;
    }

    private static bool IsOneHot(float[] row, int values)
    {
        for (int first = 0; first < row.Length; first += values)
        {
            ReadOnlySpan<float> variable = row.AsSpan(first, values);
            if (variable.Count(1f) != 1 || variable.Count(0f) != values - 1)
                return false;
        }
        return true;
    }

    private TrainingPlan Checked()
    {
        List<string> faults = TrainingRecipeValidator.Faults(Recipe, Model);
        return faults.Count == 0 ? this : throw new InvalidModelException($"{RecipeFile}: {string.Join("; ", faults)}");
    }
}
