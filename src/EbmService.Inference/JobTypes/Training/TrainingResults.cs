using System.Globalization;
using System.Text;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;
using EbmService.Inference.Models;
using EbmService.Inference.Training;

namespace EbmService.Inference.JobTypes.Training;

/// <summary>
/// Makes a training job's files: the version's own (weights, buffer, calibration), samples.npy and samples.png of the buffer, filters.png where
/// hidden units have weights over pixels, training-log.csv with its
/// curves, and card.json. A run that went to its end is published as a version; one that was stopped or diverged leaves its files only.
/// </summary>
internal sealed class TrainingResults(JobDefinition job, IReadOnlyList<BlockResult> blocks, IImageCodec images)
{
    private const string Json = "application/json";
    private const int MaxPictured = 100;

    private readonly TrainingSpec _spec = (TrainingSpec)job.Spec;

    /// <value>Columns of the log.</value>
    public static IReadOnlyList<string> LogColumns { get; } =
    [
        "iteration", "energyData", "energySamples", "crossEntropy", "accuracy", "loss", "gradientNorm", "bufferAge", "heldOutGap", "reconstructionError",
    ];

    /// <summary>A grid, with a column per class where there are classes; of the visible part of the rows; empty where that is no picture.</summary>
    public static byte[] Picture(IImageCodec images, TensorPayload rows, ModelDescriptor model) =>
        images.EncodeGrid(rows, model.VisibleSchema(), model.Labels.Count > 0 ? model.Labels.Count : null);

    /// <returns>Why the job has failed although it has files; null where it hasn't.</returns>
    public Failure? Write(string stopped, DeviceInfo device, IResultWriter files, TrainingPublisher publisher)
    {
        TrainingOutcome outcome = TrainingOutcome.Read(blocks[0].Read());
        ModelVersionContent content = TrainedVersionFactory.Create(
            _spec.Descriptor, _spec.Config, outcome.Of("weight."), outcome.Tensors.GetValueOrDefault("buffer"),
            outcome.Of("score.").ToDictionary(pair => pair.Key, pair => pair.Value.ToFloats()));
        IReadOnlyDictionary<string, byte[]> version = ModelVersionWriter.Files(content);
        foreach ((string name, byte[] bytes) in version)
            files.Write(name, "application/octet-stream", stream => stream.Write(bytes));
        WriteSamples(outcome, files);
        if (FilterGrid.Render(_spec.Descriptor, content.Weights) is { } filters)
            files.Write("filters.png", "image/png", stream => stream.Write(filters));
        WriteLog(outcome, files);
        bool complete = outcome.DivergedAfter is null && outcome.Iteration == _spec.Config.Iterations && stopped == StopReason.Completed;
        Outcome<HostedModel>? published = complete ? (Outcome<HostedModel>?)publisher.Publish(job, _spec, version) : null;
        var card = new TrainingCard(
            job.Models, _spec, "cpu", device.Runtime, ServiceSoftware.Text, outcome.Iteration, complete, stopped, outcome.DivergedAfter,
            published?.Value?.Reference(), TrainingCard.Scope);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
        return outcome.DivergedAfter is { } after ? Diverged(after, outcome.Iteration) : published?.Failure;
    }

    private Failure Diverged(int after, int kept)
    {
        string weights = kept > 0
            ? $"the last good weights, of iteration {kept}, are among its results"
            : $"no weights were kept, as checkpointEvery is {_spec.Config.CheckpointEvery}";
        string advice = TrainingAdvice.AfterDivergence(_spec.Config);
        return new Failure(
            FailureCode.Diverged, $"The {TrainingAdvice.OfDivergence(_spec.Config, after)}; {weights}.", $"In the config, {advice}, and submit the job again.");
    }

    private void WriteSamples(TrainingOutcome outcome, IResultWriter files)
    {
        if (!outcome.Tensors.TryGetValue("buffer", out SafetensorsTensor? buffer))
            return;
        var chains = new TensorPayload([.. buffer.Shape.Select(size => (int)size)], buffer.ToFloats());
        files.Write("samples.npy", NpyFormat.MediaType, stream => stream.Write(NpyFormat.Write(chains)));
        int count = Math.Min(chains.Rows, MaxPictured), length = _spec.Descriptor.Input.Length();
        byte[] png = Picture(images, new TensorPayload([count, .. _spec.Descriptor.Input.Shape], chains.Values[..(count * length)]), _spec.Descriptor);
        if (png.Length > 0)
            files.Write("samples.png", "image/png", stream => stream.Write(png));
    }

    private void WriteLog(TrainingOutcome outcome, IResultWriter files)
    {
        double[][] rows = [.. outcome.Tensors["log"].ToDoubles().Chunk(LogColumns.Count)];
        var text = new StringBuilder().AppendJoin(',', LogColumns).Append('\n');
        foreach (double[] row in rows)
            text.AppendJoin(',', row.Select(value => double.IsNaN(value) ? "" : value.ToString("G6", CultureInfo.InvariantCulture))).Append('\n');
        files.Write("training-log.csv", "text/csv", stream => stream.Write(Encoding.ASCII.GetBytes(text.ToString())));
        if (rows.Length == 0)
            return;
        TrainingLogRow[] shown = [.. rows.Select(row => new TrainingLogRow((int)row[0], row[1], row[2], row[3], row[4], row[6], Seconds: 0))];
        files.Write("training-curve.png", "image/png", stream => stream.Write(TrainingCurve.Energies(_spec.Descriptor.Name, shown)));
        if (_spec.Config.Classification is not null)
            files.Write("training-accuracy.png", "image/png", stream => stream.Write(TrainingCurve.Classification(_spec.Descriptor.Name, shown)));
    }
}

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
/// <param name="Iteration">Of the weights.</param>
/// <param name="DivergedAfter">The last sound iteration of a run that diverged.</param>
/// <param name="Published">The version as it is hosted; null where nothing was published.</param>
internal sealed record TrainingCard(
    IReadOnlyList<JobModel> Models, TrainingSpec Spec, string Device, string Runtime, string Software, int Iteration, bool Complete, string Stopped,
    int? DivergedAfter, ModelReference? Published, string Determinism)
{
    public const string Scope =
        "On a CPU, the same data, descriptor and config give the same bits on the same kind of processor with the same runtime: on any slot, whatever else runs "
        + "beside it, after a pause or a killed process, and by 'ebm train'.";
}
