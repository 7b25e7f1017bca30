namespace EbmService.Inference.Training;

/// <summary>Splits rows into training and held-out ones by the recipe's seed: the same split for trainer and calibration.</summary>
public static class HeldOutSplit
{
    public static IReadOnlyList<int> TrainingRows(TrainingRecipe recipe, int count) => [.. Shuffled(recipe, count).Skip(HeldOut(recipe, count))];

    public static IReadOnlyList<int> HeldOutRows(TrainingRecipe recipe, int count) => [.. Shuffled(recipe, count).Take(HeldOut(recipe, count))];

    private static int HeldOut(TrainingRecipe recipe, int count) => Math.Min(recipe.HeldOut, count / 10);

    private static int[] Shuffled(TrainingRecipe recipe, int count)
    {
        int[] rows = [.. Enumerable.Range(0, count)];
        new Random((int)(recipe.Seed & 0x7fffffff)).Shuffle(rows);
        return rows;
    }
}
