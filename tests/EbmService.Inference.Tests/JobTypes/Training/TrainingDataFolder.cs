using System.Globalization;

namespace EbmService.Inference.Tests.JobTypes.Training;

/// <summary>Small data sets on disk.</summary>
internal static class TrainingDataFolder
{
    /// <summary>points and points-2 (800 x 2), bits (800 x 2 binary) pictures (800 x 1 x 4 x 4 with two classes) and levels (the same in [0, 1], without).</summary>
    /// <param name="beside">A temporary folder; the data comes into a hidden one there.</param>
    /// <returns>The folder of the data.</returns>
    public static string Write(string beside)
    {
        string folder = Path.Combine(beside, ".data");
        Directory.CreateDirectory(folder);
        File.WriteAllLines(Path.Combine(folder, "points.csv"), Lines(2, (row, i) => 2 * Math.Sin(1 + 17 * row + 5 * i), label: false));
        File.WriteAllLines(Path.Combine(folder, "points-2.csv"), Lines(2, (row, i) => Math.Cos(row + i), label: false));
        File.WriteAllLines(Path.Combine(folder, "bits.csv"), Lines(2, (row, i) => (row + i) % 3 == 0 ? 1 : 0, label: false));
        File.WriteAllLines(Path.Combine(folder, "pictures.csv"), Lines(16, (row, i) => i % 4 == row % 2 ? 1 : -1, label: true));
        File.WriteAllLines(Path.Combine(folder, "levels.csv"), Lines(16, (row, i) => i % 4 == row % 2 ? 0.9 : 0.1, label: false));
        return folder;
    }

    private static IEnumerable<string> Lines(int length, Func<int, int, double> value, bool label)
    {
        if (label)
            yield return string.Join(",", Enumerable.Range(0, length).Select(i => $"x{i}").Append("label"));
        for (int row = 0; row < 800; row++)
        {
            IEnumerable<double> numbers = Enumerable.Range(0, length).Select(i => value(row, i));
            yield return string.Join(",", (label ? numbers.Append(row % 2) : numbers).Select(number => number.ToString("R", CultureInfo.InvariantCulture)));
        }
    }
}
