using System.Text;
using EbmService.Core.Models;
using EbmService.Inference.Checkpoints;

namespace EbmService.Cli.Assessment;

/// <summary>The part of a model's README.md that <c>ebm evaluate</c> owns.</summary>
internal static class ModelCardFile
{
    private const string Begin = "<!-- metrics:begin -->";
    private const string End = "<!-- metrics:end -->";

    /// <summary>Replaces what stands between the markers; a missing file or missing markers are added.</summary>
    public static void Update(string path, HostedModel model, string metrics, IEnumerable<string> pictures)
    {
        string text = File.Exists(path) ? File.ReadAllText(path) : $"# {model.Descriptor!.Title}\n\n{model.Descriptor.Description}\n";
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(Replace(text, Section(metrics, pictures))));
    }

    internal static string Replace(string text, string section)
    {
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.IndexOf(End, StringComparison.Ordinal);
        string marked = $"{Begin}\n{section.TrimEnd()}\n{End}";
        return begin >= 0 && end > begin
            ? text[..begin] + marked + text[(end + End.Length)..]
            : $"{text.TrimEnd()}\n\n{marked}\n";
    }

    private static string Section(string metrics, IEnumerable<string> pictures) =>
        metrics.TrimEnd() + "\n\n" + string.Join('\n', pictures.Order(StringComparer.Ordinal).Select(name => $"![{Path.GetFileNameWithoutExtension(name)}](pictures/{name})"));
}
