using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Numerics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Numerics;

/// <summary>The choice of kernels in fresh processes: each child process is this assembly, run for the one explicit test.</summary>
public sealed class NativePrimitivesTests : IDisposable
{
    private const string ThreadsVariable = "EBM_TEST_CHILD_THREADS";
    private const string FileVariable = "EBM_TEST_CHILD_FILE";
    private const int SmallestBatch = 8;
    private const int Batches = 40;
    private static readonly TimeSpan ChildLimit = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-primitives-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task EnergyAndGradient_FirstCallsOnTwoThreadsAtOnce_GiveTheBitsOfOneThread()
    {
        string[] one = await RunChildAsync(threads: 1), two = await RunChildAsync(threads: 2);

        Assert.Equal(Batches, one.Distinct().Count());
        Assert.Equal(one, two);
    }

    public static MatrixTheoryData<ScalarType, string> Sizes => new(
        [ScalarType.Float32, ScalarType.BFloat16],
        ["1,3,8,8,3,1,1", "2,3,8,8,3,1,1", "2,1,4,8,5,1,2", "2,4,1,8,3,1,1", "2,1,1,8,3,1,1", "2,8,8,8,3,1,0", "5,4,8,9,3,2,1", "16,1,6,6,3,1,0", "16,16,8,6,3,1,1", "8,64,128,7,4,2,1"]);

    /// <summary>Against float64, which oneDNN leaves to libtorch's own code.</summary>
    /// <param name="sizes">Rows, channels, outputs, side, kernel, stride, padding.</param>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void ConvolutionsAndGradients_AnySizes_AreThoseOfFloat64(ScalarType precision, string sizes)
    {
        long[] size = [.. sizes.Split(',').Select(long.Parse)];
        (long rows, long channels, long outputs, long side, long kernel, long stride, long padding) = (size[0], size[1], size[2], size[3], size[4], size[5], size[6]);
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(3);
        Tensor x = Draw([rows, channels, side, side]), weight = Draw([outputs, channels, kernel, kernel]), bias = Draw([outputs]);
        Tensor exactX = x.to(ScalarType.Float64).requires_grad_(true), exactWeight = weight.to(ScalarType.Float64).requires_grad_(true);
        Tensor expected = nn.functional.conv2d(exactX, exactWeight, bias.to(ScalarType.Float64), [stride, stride], [padding, padding]);
        Tensor slope = Draw(expected.shape);
        IList<Tensor> expectedGradients = autograd.grad([expected], [exactX, exactWeight], [slope.to(ScalarType.Float64)]);
        long left = side - ((expected.shape[2] - 1) * stride - 2 * padding + kernel);

        Tensor plain = NativePrimitives.Convolve(x, weight, bias, stride, padding);
        Tensor transposed = NativePrimitives.ConvolveTransposed(slope, weight, stride, padding, (left, left));
        Tensor graphX = x.clone().requires_grad_(true), graphWeight = weight.clone().requires_grad_(true);
        Tensor output = NativePrimitives.Convolve(graphX, graphWeight, bias, stride, padding);
        IList<Tensor> gradients = NativePrimitives.Gradients(
            output.mul(slope).sum(), [graphX, graphWeight], new Dictionary<string, Tensor> { ["weight"] = graphWeight }, rows);

        foreach ((Tensor actual, Tensor exact) in new[]
        {
            (plain, expected), (output, expected), (transposed, expectedGradients[0]), (gradients[0], expectedGradients[0]), (gradients[1], expectedGradients[1]),
        })
        {
            Assert.Equal(exact.shape, actual.shape);
            Assert.InRange((actual.to(ScalarType.Float64).sub(exact).norm() / exact.norm()).ToDouble(), 0, precision == ScalarType.Float32 ? 1e-5 : 1e-2);
        }

        Tensor Draw(long[] shape) => randn(shape, generator: generator).to(precision);
    }

    /// <summary>The child's work: a hash of energies and gradients of mnist-jem for each of 40 batch sizes, dealt out to so many threads.</summary>
    [Fact(Explicit = true)]
    public void Child_EveryBatchSize_WritesHashes()
    {
        int threads = int.Parse(Environment.GetEnvironmentVariable(ThreadsVariable)!);
        var device = new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" }));
        var repository = new ModelRepository(Options.Create(new ModelsOptions { Path = BundledModels }), NullLogger<ModelRepository>.Instance);
        using var pool = new LiveModelPool(repository, device, Options.Create(new ModelsOptions()));
        using ModelLease lease = pool.Lease(new ModelKey("mnist-jem", "1"));
        IEnergyModel energy = lease.Model.Energy;
        string[] hashes = new string[Batches];
        using var start = new Barrier(threads);

        Thread[] workers = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            device.BindSlotThread();
            start.SignalAndWait();
            for (int i = thread; i < Batches; i += threads)
                hashes[i] = Hash(energy, SmallestBatch + i);
        }))];
        foreach (Thread worker in workers)
            worker.Start();
        foreach (Thread worker in workers)
            worker.Join();

        File.WriteAllLines(Environment.GetEnvironmentVariable(FileVariable)!, hashes);
    }

    private static string Hash(IEnergyModel energy, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor x = rand([rows, 1, 28, 28], generator: generator);
        (Tensor energies, Tensor gradients) = energy.EnergyAndGradient(x);
        return Convert.ToHexString(SHA256.HashData([.. energies.contiguous().bytes, .. gradients.contiguous().bytes]));
    }

    private async Task<string[]> RunChildAsync(int threads)
    {
        string file = Path.Combine(_folder, $"{threads}.txt"), assembly = typeof(NativePrimitivesTests).Assembly.Location;
        var start = new ProcessStartInfo("dotnet",
            [assembly, "-method", $"{typeof(NativePrimitivesTests).FullName}.{nameof(Child_EveryBatchSize_WritesHashes)}", "-explicit", "only"])
        {
            RedirectStandardOutput = true,
        };
        start.Environment[ThreadsVariable] = threads.ToString();
        start.Environment[FileVariable] = file;
        using Process child = Process.Start(start)!;
        string output = await child.StandardOutput.ReadToEndAsync().WaitAsync(ChildLimit);
        await child.WaitForExitAsync().WaitAsync(ChildLimit);
        Assert.True(child.ExitCode == 0 && File.Exists(file), $"exit code {child.ExitCode}: {output}");
        return await File.ReadAllLinesAsync(file);
    }

    private static string BundledModels { get; } = Path.Combine(
        typeof(NativePrimitivesTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "RepositoryRoot").Value!,
        "deploy", "models");
}
