namespace EbmService.Inference.Data;

/// <summary>Configuration section <c>Data</c>.</summary>
public sealed class DataOptions
{
    public const string Section = "Data";

    /// <value>
    /// The folder of the data sets that training jobs may name; none by default. Each is NAME/ (the four files of MNIST, or PNG files with a folder per
    /// class), NAME.zip (PNG files), NAME.npy (with NAME.labels.npy where there are labels), NAME.csv, or NAME.idx3-ubyte and NAME.idx1-ubyte, plain or .gz.
    /// A relative path is sought from the working directory.
    /// </value>
    public string? Path { get; set; }
}
