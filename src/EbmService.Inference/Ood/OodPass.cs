using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>All the scores of a batch: those of one pass, those that the calibration brings along, and where asked for those of chains.</summary>
internal static class OodPass
{
    public static IReadOnlyList<string> Names(IEnergyModel model, OodCalibration? calibration, bool chains) =>
    [
        .. OodScorer.Names(model),
        .. calibration?.Fitted?.Names ?? [],
        .. calibration is { HasTypicality: true } ? [OodScorer.Typicality] : (string[])[],
        .. chains ? OodScorer.Chain : [],
    ];

    /// <param name="x">(rows, ...input) on the model's device; at a fixed number of rows, a row's scores don't depend on the others.</param>
    public static Dictionary<string, float[]> Score(
        IEnergyModel model, ModelDescriptor descriptor, Tensor x, OodCalibration? calibration, bool chains)
    {
        using DisposeScope scope = NewDisposeScope();
        var scores = new Dictionary<string, float[]>();
        using (enable_grad())
        {
            Tensor all = OodScorer.Score(model, x);
            foreach ((int i, string name) in OodScorer.Names(model).Index())
                scores[name] = all[i].ToFloats();
        }
        calibration?.Fitted?.AddTo(scores, model, x);
        if (calibration is { HasTypicality: true })
            scores[OodScorer.Typicality] = [.. scores[OodScorer.LogDensity].Select(calibration.Typicality)];
        if (chains)
            (scores[OodScorer.ChainDisplacement], scores[OodScorer.EnergyDrop]) = ChainDescent.Score(model, descriptor, x);
        return scores;
    }
}
