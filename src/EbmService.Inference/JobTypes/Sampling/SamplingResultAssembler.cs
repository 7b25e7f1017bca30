using System.Runtime.InteropServices;
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

/// <summary>
/// Makes samples.npy, energies.npy, samples.png, trace.json, card.json and, where asked, trajectory.npy of a sampling job; states go from the blocks to the
/// files a block, or a few draws, at a time.
/// </summary>
internal sealed class SamplingResultAssembler(
    IModelCatalog models, IComputeDevice device, IImageCodec images, IJobLogs logs, IJobDiagnostician diagnostician)
{
    private const string Json = "application/json";
    private const int MaxPictured = 256;

    /// <summary>Bytes of a trajectory that are brought into their order at once, or one draw.</summary>
    private const int ReadAtOnce = 8 << 20;

    public void Assemble(JobDefinition job, IReadOnlyList<BlockResult> results, string stopped, IResultWriter files)
    {
        var spec = (SamplingSpec)job.Spec;
        HostedModel model = models.Find(job.Model).OrThrow();
        InputSchema input = model.Descriptor!.Input, visible = model.VisibleSchema();
        BlockResult[] ordered = [.. results.OrderBy(result => result.Block.Index)];
        SamplingBlock[] blocks = [.. ordered.Select(SamplingBlock.Read)];
        int chains = blocks.Sum(block => block.Block.Count);
        if (chains > 0 && blocks.All(block => block.Alive.All(alive => alive == 0)))
        {
            throw new FailureException(new Failure(
                FailureCode.Diverged, $"All {chains} chains left the finite numbers.", "Use a smaller stepSize, or a gradientClip or stateClamp."));
        }
        byte[] picture = chains == 0 ? [] : images.EncodeGrid(Pictured(input, visible, ordered), visible, Columns(spec));
        if (picture.Length > 0)
            files.Write("samples.png", "image/png", stream => stream.Write(picture));
        string digest = "";
        files.Write("samples.npy", NpyFormat.MediaType, stream => digest = WriteSamples([chains, .. input.Shape], ordered, stream));
        var energies = new TensorPayload([chains], [.. blocks.SelectMany(block => block.Energies)]);
        files.Write("energies.npy", NpyFormat.MediaType, stream => stream.Write(NpyFormat.Write(energies)));
        JobDiagnostics diagnostics = diagnostician.Compute(job, [.. blocks.Select(block => new BlockSeries(block.Block, block.Series))], live: false);
        SamplingTrace trace = SamplingTrace.Create(spec, blocks, diagnostics);
        files.Write("trace.json", Json, stream => JsonSerializer.Serialize(stream, trace, EbmJson.Indented));
        SamplingCard card = SamplingCard.Create(job, spec, blocks, diagnostics, stopped, device.Info, digest, model.Capabilities);
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
        if (spec.Thin is not null && chains > 0)
            files.Write("trajectory.npy", NpyFormat.MediaType, stream => WriteTrajectory(job.Id, input, blocks, stream));
    }

    /// <returns>SHA-256 of the file, 64 hex digits.</returns>
    private static string WriteSamples(IReadOnlyList<int> shape, BlockResult[] results, Stream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Write(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            stream.Write(bytes);
        }

        Write(Header(shape));
        foreach (BlockResult result in results)
            Write(MemoryMarshal.AsBytes(SamplingBlock.ReadStates(result).AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>(draws, chains, ...input): as many draws as all blocks have.</summary>
    private void WriteTrajectory(string jobId, InputSchema input, SamplingBlock[] blocks, Stream stream)
    {
        int[] widths = [.. blocks.Select(block => block.Block.Count * input.Length() * sizeof(float))];
        int row = widths.Sum(), draws = blocks.Min(block => block.Draws);
        stream.Write(Header([draws, blocks.Sum(block => block.Block.Count), .. input.Shape]));
        int together = Math.Clamp(ReadAtOnce / row, 1, Math.Max(1, draws));
        Stream[] all = [.. blocks.Zip(widths, (block, width) => logs.Open(jobId, block.Block.Index, (long)block.Draws * width))];
        var rows = new byte[together * row];
        var part = new byte[together * widths.Max()];
        for (int first = 0; first < draws; first += together)
        {
            int count = Math.Min(together, draws - first);
            int left = 0;
            foreach ((Stream log, int width) in all.Zip(widths))
            {
                log.ReadExactly(part, 0, count * width);
                for (int draw = 0; draw < count; draw++)
                    part.AsSpan(draw * width, width).CopyTo(rows.AsSpan(draw * row + left));
                left += width;
            }
            stream.Write(rows, 0, count * row);
        }
    }

    /// <summary>One column per label where labels are dealt in turn, so that a class reads downwards.</summary>
    private static int? Columns(SamplingSpec spec) => spec.Labels.Count is > 1 and <= 16 ? spec.Labels.Count : null;

    /// <summary>The first chains of pictures, all of other inputs.</summary>
    private static TensorPayload Pictured(InputSchema input, InputSchema visible, BlockResult[] results)
    {
        int most = visible.Shape.Count == 1 ? int.MaxValue : MaxPictured * input.Length();
        var values = new List<float>();
        foreach (BlockResult result in results.TakeWhile(_ => values.Count < most))
            values.AddRange(SamplingBlock.ReadStates(result));
        float[] shown = [.. values.Take(most)];
        return new TensorPayload([shown.Length / input.Length(), .. input.Shape], shown);
    }

    /// <summary>A tensor without numbers is written as the header alone.</summary>
    private static byte[] Header(IReadOnlyList<int> shape) => NpyFormat.Write(new TensorPayload(shape, []));
}
