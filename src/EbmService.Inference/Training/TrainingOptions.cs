namespace EbmService.Inference.Training;

/// <summary>Configuration section <c>Training</c>.</summary>
public sealed class TrainingOptions
{
    public const string Section = "Training";

    /// <value>Whether clients may have models trained, which writes versions into the model repository; false by default.</value>
    public bool Enabled { get; set; }
}
