namespace EbmService.Inference.Checkpoints;

/// <summary>A checkpoint file is damaged, truncated or not what its header says. The message never holds a path.</summary>
public sealed class InvalidCheckpointException(string message, Exception? inner = null) : Exception(message, inner);
