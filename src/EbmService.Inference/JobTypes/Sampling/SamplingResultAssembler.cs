using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Devices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>Makes samples.npy, energies.npy, samples.png, trace.json, card.json and, where asked, trajectory.npy of a sampling job.</summary>
internal sealed class SamplingResultAssembler(IModelCatalog models, IComputeDevice device, IImageCodec images, IJobDiagnostician diagnostician)
{
    private const string Json = "application/json";
    private const int MaxPictured = 256;

    public IReadOnlyList<ResultFile> Assemble(JobDefinition job, SamplingSpec spec, IReadOnlyList<BlockResult> results, string stopped)
    {
        InputSchema input = models.Find(job.Model.Name, job.Model.Version).OrThrow().Descriptor!.Input;
        SamplingBlock[] blocks = [.. results.OrderBy(result => result.Block.Index).Select(SamplingBlock.Read)];
        int chains = blocks.Sum(block => block.Block.Count);
        if (chains > 0 && blocks.All(block => block.Alive.All(alive => alive == 0)))
        {
            throw new FailureException(new Failure(
                FailureCode.Diverged, $"All {chains} chains left the finite numbers.", "Use a smaller stepSize, or a gradientClip or stateClamp."));
        }
        var samples = new TensorPayload([chains, .. input.Shape], [.. blocks.SelectMany(block => block.States)]);
        byte[] npy = NpyFormat.Write(samples);
        var energies = new TensorPayload([chains], [.. blocks.SelectMany(block => block.Energies)]);
        JobDiagnostics diagnostics = diagnostician.Compute(job, [.. blocks.Select(block => new BlockSeries(block.Block, block.Series))], live: false);
        string digest = Convert.ToHexStringLower(SHA256.HashData(npy));

        var files = new List<ResultFile>
        {
            new("samples.npy", NpyFormat.MediaType, npy),
            new("energies.npy", NpyFormat.MediaType, NpyFormat.Write(energies)),
            new("trace.json", Json, Bytes(SamplingTrace.Create(spec, blocks, diagnostics))),
            new("card.json", Json, Bytes(SamplingCard.Create(job, spec, blocks, diagnostics, stopped, device.Info, digest))),
        };
        if (Trajectory(input, blocks) is { } trajectory)
            files.Add(new("trajectory.npy", NpyFormat.MediaType, NpyFormat.Write(trajectory)));
        byte[] picture = chains == 0 ? [] : images.EncodeGrid(Pictured(samples), input, Columns(spec));
        if (picture.Length > 0)
            files.Insert(0, new ResultFile("samples.png", "image/png", picture));
        return files;
    }

    /// <summary>(draws, chains, ...input): as many draws as all blocks have.</summary>
    private static TensorPayload? Trajectory(InputSchema input, SamplingBlock[] blocks)
    {
        if (blocks.Length == 0 || blocks.Any(block => block.Trajectory is null))
            return null;
        int length = input.Length(), chains = blocks.Sum(block => block.Block.Count);
        int draws = blocks.Min(block => block.Trajectory!.Length / (block.Block.Count * length));
        var values = new float[(long)draws * chains * length];
        int at = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            foreach (SamplingBlock block in blocks)
            {
                int width = block.Block.Count * length;
                block.Trajectory.AsSpan(draw * width, width).CopyTo(values.AsSpan(at));
                at += width;
            }
        }
        return new TensorPayload([draws, chains, .. input.Shape], values);
    }

    /// <summary>One column per label where labels are dealt in turn, so that a class reads downwards.</summary>
    private static int? Columns(SamplingSpec spec) => spec.Labels.Count is > 1 and <= 16 ? spec.Labels.Count : null;

    private static TensorPayload Pictured(TensorPayload samples) => samples.Shape.Count == 2 || samples.Rows <= MaxPictured
        ? samples
        : new TensorPayload([MaxPictured, .. samples.Shape.Skip(1)], samples.Values[..(MaxPictured * samples.RowLength)]);

    private static byte[] Bytes<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, EbmJson.Indented);
}
