using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Cli.Tuning;

/// <summary>The member <c>blockSizes</c> of a version's <c>version.json</c>.</summary>
internal static class BlockSizeFile
{
    /// <summary>Replaces the file at once; all else in it stays, and so does the version's digest.</summary>
    /// <returns>The size that stood there for this kind of device.</returns>
    public static int? Save(string modelFolder, HostedModel model, TuningReport report)
    {
        var sizes = new Dictionary<string, int>(model.Manifest!.BlockSizes);
        int? before = sizes.TryGetValue(report.DeviceKind, out int size) ? size : null;
        sizes[report.DeviceKind] = report.Best.BlockSize;
        ModelVersionWriter.WriteManifest(Path.Combine(modelFolder, model.Key.Version), model.Manifest with { BlockSizes = sizes });
        return before;
    }
}
