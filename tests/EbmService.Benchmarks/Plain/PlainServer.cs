using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Benchmarks.Plain;

/// <summary>The child process: one command per line of input, one number per line of output.</summary>
internal static class PlainServer
{
    /// <summary>
    /// <c>chains N STEPS THREADS PRECISION</c> answers seconds; <c>forward ROWS THREADS SECONDS</c> answers inputs per second of forward passes
    /// over batches of ROWS; <c>gemm SIZE THREADS SECONDS PRECISION</c> answers GFLOP/s. 0 threads are libtorch's own; otherwise
    /// chains take so many intra-op threads, the others so many threads of one intra-op thread each.
    /// </summary>
    public static int Run(string versionFolder, TextReader input, TextWriter output)
    {
        int threads = get_num_threads();
        var networks = new Dictionary<ScalarType, PlainNetwork>();
        PlainNetwork Network(ScalarType precision) =>
            networks.TryGetValue(precision, out PlainNetwork? network) ? network : networks[precision] = new PlainNetwork(versionFolder, precision);
        while (input.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            double[] numbers = [.. words.Skip(1).Take(3).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
            ScalarType precision = words[^1] == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32;
            set_num_threads(words[0] == "chains" && numbers[2] > 0 ? (int)numbers[2] : threads);
            double answer = words[0] switch
            {
                "chains" => Chains(Network(precision), (int)numbers[0], (int)numbers[1]),
                "forward" => Sum((int)numbers[1], () => ForwardLoop(Network(precision), (int)numbers[0], TimeSpan.FromSeconds(numbers[2]))),
                _ => Sum((int)numbers[1], () => GemmLoop((int)numbers[0], precision, TimeSpan.FromSeconds(numbers[2]))),
            };
            output.WriteLine(answer.ToString("R", CultureInfo.InvariantCulture));
            output.Flush();
        }
        return 0;
    }

    private static double Chains(PlainNetwork network, int chains, int steps)
    {
        long begun = Stopwatch.GetTimestamp();
        network.Sample(chains, steps);
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static double Sum(int threads, Func<double> loop)
    {
        if (threads == 0)
            return loop();
        double[] rates = new double[threads];
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            set_num_threads(1);
            rates[i] = loop();
        }))];
        foreach (Thread worker in workers)
            worker.Start();
        foreach (Thread worker in workers)
            worker.Join();
        return rates.Sum();
    }

    private static double ForwardLoop(PlainNetwork network, int rows, TimeSpan length)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope all = NewDisposeScope();
        Tensor batch = network.Start(rows);
        return rows * Repeat(length, () => network.Energy(batch));
    }

    private static double GemmLoop(int size, ScalarType precision, TimeSpan length)
    {
        using DisposeScope all = NewDisposeScope();
        Tensor left = rand(size, size).to(precision), right = rand(size, size).to(precision);
        return 2e-9 * size * size * size * Repeat(length, () => left.mm(right));
    }

    /// <returns>Calls per second.</returns>
    private static double Repeat(TimeSpan length, Func<Tensor> call)
    {
        call().Dispose();
        long count = 0;
        long begun = Stopwatch.GetTimestamp();
        do
        {
            using DisposeScope scope = NewDisposeScope();
            call();
            count++;
        }
        while (Stopwatch.GetElapsedTime(begun) < length);
        return count / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
