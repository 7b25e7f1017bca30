namespace EbmService.Inference.Data;

/// <summary>MNIST's four files.</summary>
public sealed record MnistFiles(string TrainImages, string TrainLabels, string TestImages, string TestLabels)
{
    /// <summary>The 60 000 training images.</summary>
    public ImageDataset ReadTrain() => IdxReader.ReadDataset(TrainImages, TrainLabels);

    /// <summary>The 10 000 test images.</summary>
    public ImageDataset ReadTest() => IdxReader.ReadDataset(TestImages, TestLabels);
}

/// <summary>Finds data sets by their standard file names.</summary>
public static class DatasetLocator
{
    /// <summary>Looks for <c>train-images-idx3-ubyte</c>, <c>train-labels-idx1-ubyte</c>, <c>t10k-images-idx3-ubyte</c> and <c>t10k-labels-idx1-ubyte</c>, with or without <c>.gz</c>.</summary>
    /// <exception cref="InvalidDatasetException">Some are missing; the message names them all.</exception>
    public static MnistFiles FindMnist(string folder)
    {
        string[] names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
        string?[] found = [.. names.Select(name => FindFile(folder, name))];
        string[] missing = [.. names.Where((_, i) => found[i] is null)];
        if (missing.Length > 0)
            throw new InvalidDatasetException($"MNIST is not complete in that folder; missing (with or without .gz): {string.Join(", ", missing)}");
        return new MnistFiles(found[0]!, found[1]!, found[2]!, found[3]!);
    }

    private static string? FindFile(string folder, string name)
    {
        // Some tools write "idx3-ubyte" after a dot.
        string[] spellings = [name, name.Replace("-idx", ".idx", StringComparison.Ordinal)];
        return spellings.SelectMany(spelling => new[] { spelling, spelling + ".gz" })
            .Select(spelling => Path.Combine(folder, spelling))
            .FirstOrDefault(File.Exists);
    }
}
