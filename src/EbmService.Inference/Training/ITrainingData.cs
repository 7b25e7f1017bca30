namespace EbmService.Inference.Training;

/// <summary>Rows to train on, already in the model's input range. Thread-safe for reading.</summary>
public interface ITrainingData
{
    int Count { get; }

    /// <value>Numbers per row.</value>
    int RowLength { get; }

    /// <value>Whether rows carry class labels.</value>
    bool HasLabels { get; }

    void CopyRow(int index, Span<float> destination);

    /// <returns>The class index, or -1 without labels.</returns>
    int Label(int index);
}
