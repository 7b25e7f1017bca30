namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>Names of a file that nobody vouches for, made fit for a message.</summary>
internal static class CheckpointText
{
    private const int MaxLength = 120;

    /// <summary>At most 120 characters, none of them a control character: those can steer a terminal.</summary>
    public static string Printable(string name)
    {
        string plain = new([.. name.Take(MaxLength).Select(each => char.IsControl(each) || char.IsSurrogate(each) ? '?' : each)]);
        return name.Length > MaxLength ? plain + "..." : plain;
    }
}
