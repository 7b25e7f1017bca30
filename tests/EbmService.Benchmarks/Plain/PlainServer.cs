using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Benchmarks.Plain;

/// <summary>The child process: one command per line of input, one number per line of output.</summary>
internal static class PlainServer
{
    /// <summary>
    /// <c>chains N STEPS</c> answers seconds; <c>forward ROWS THREADS SECONDS</c> answers inputs per second of forward passes
    /// over batches of ROWS: with 0 threads on libtorch's own threads, else on so many threads of one intra-op thread each.
    /// </summary>
    public static int Run(string versionFolder, TextReader input, TextWriter output)
    {
        var network = new PlainNetwork(versionFolder);
        while (input.ReadLine() is { } line)
        {
            double[] numbers = [.. line.Split(' ').Skip(1).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
            double answer = line.StartsWith("chains", StringComparison.Ordinal)
                ? Chains(network, (int)numbers[0], (int)numbers[1])
                : Forward(network, (int)numbers[0], (int)numbers[1], TimeSpan.FromSeconds(numbers[2]));
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

    private static double Forward(PlainNetwork network, int rows, int threads, TimeSpan length)
    {
        if (threads == 0)
            return ForwardLoop(network, rows, length);
        double[] rates = new double[threads];
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            set_num_threads(1);
            rates[i] = ForwardLoop(network, rows, length);
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
        Tensor batch = rand(rows, 1, 28, 28) * 2 - 1;
        long inputs = 0;
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < length)
        {
            using DisposeScope scope = NewDisposeScope();
            network.Energy(batch);
            inputs += rows;
        }
        return inputs / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
