using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Calibration;

/// <summary>The one block of a calibration.</summary>
internal sealed class CalibrationWorkload : IWorkload
{
    private readonly CalibrationSpec _spec;
    private readonly BlockPlan _block;
    private readonly CalibrationSplit _split;
    private readonly OodCalibrator _calibrator;

    /// <param name="checkpoint">Null to begin.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged or of another block.</exception>
    public CalibrationWorkload(
        JobDefinition job, BlockPlan block, LiveModel model, Device device, IJobInputs inputs, ReadOnlyMemory<byte>? checkpoint)
    {
        (_spec, _block) = ((CalibrationSpec)job.Spec, block);
        if (_spec.Score == OodScorer.ClippedFeatures && model.Energy is not IReadout)
        {
            throw new FailureException(new Failure(FailureCode.NotSupported,
                $"The score {_spec.Score} needs logits that are linear in features, which '{model.Hosted.Key}' does not have.", "Choose another score."));
        }
        _split = CalibrationSplit.Draw(_spec.Data.Count, _spec.Seed);
        InputSchema input = model.Descriptor.Input;
        int length = input.Length();
        Func<int[], int[]?>? labels = _spec.Data.HasLabels && model.Energy.Classes > 0
            ? rows => [.. rows.Select(row => RowsReader.ReadLabels(inputs, job, _spec.Data, row, 1)![0])] : null;
        _calibrator = new OodCalibrator(model.Energy, model.Descriptor, _split, Read, _spec.Chains, labels);
        if (checkpoint is { } bytes)
            _calibrator.Restore(SafetensorsFile.Read(bytes));

        // The rows of a tile lie near each other: the run of the file that they span is read at once.
        Tensor Read(int[] rows)
        {
            float[] run = RowsReader.Read(inputs, job, _spec.Data, input, rows[0], rows[^1] - rows[0] + 1);
            var values = new float[rows.Length * length];
            foreach ((int i, int row) in rows.Index())
                run.AsSpan((row - rows[0]) * length, length).CopyTo(values.AsSpan(i * length));
            return tensor(values, [rows.Length, .. input.Shape.Select(size => (long)size)]).to(device);
        }
    }

    public StepReport Advance(QuantumBudget budget)
    {
        int limit = Math.Min(_block.Steps, budget.StepLimit);
        while (_calibrator.Step < limit)
        {
            _calibrator.Advance();
            if (budget.IsSpent)
                break;
        }
        return new StepReport(_calibrator.Step, _calibrator.Step == _block.Steps) { Metrics = Metrics() };
    }

    public byte[] Save() => SafetensorsFile.Write(_calibrator.Save());

    public byte[] Finish()
    {
        if (_calibrator.Step < _block.Steps)
            return SafetensorsFile.Write(new Dictionary<string, SafetensorsTensor> { ["step"] = SafetensorsTensor.FromInt64([_calibrator.Step], [1]) });
        return (_calibrator.Result() with { DefaultScore = _spec.Score }).ToBytes();
    }

    public void Dispose()
    {
        // Holds no tensors between steps.
    }

    private Dictionary<string, double> Metrics() => new()
    {
        [CalibrationJob.Stage] = _calibrator.Stage,
        [CalibrationJob.Calibrated] = _calibrator.Calibrated,
    };
}
