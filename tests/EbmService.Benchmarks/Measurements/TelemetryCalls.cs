using System.Diagnostics;
using EbmService.Benchmarks.Reports;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference;
using EbmService.Inference.Models;
using EbmService.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Microseconds of the calls that a quantum and a query make for telemetry, without a reader, with OpenTelemetry's metrics, and with its traces too.</summary>
internal sealed record TelemetryCalls(Spread QuantumAlone, Spread QuantumMetrics, Spread QuantumTraces, Spread QueryAlone, Spread QueryMetrics, Spread QueryTraces)
{
    public const int Batches = 400;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Took = TimeSpan.FromMilliseconds(20);

    public static TelemetryCalls Measure(int calls)
    {
        string folder = Directory.CreateTempSubdirectory("ebm-calls-").FullName;
        var services = new ServiceCollection();
        services.AddLogging().AddMetrics().Configure<ModelsOptions>(models => models.Path = folder);
        services.AddInference().AddJobs(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["Storage:DataPath"] = folder }).Build());
        using ServiceProvider provider = services.BuildServiceProvider();
        try
        {
            // The first to run would be the slowest.
            MeasureBoth(provider, calls);
            (Spread quantum, Spread query) alone = MeasureBoth(provider, calls);
            var read = new Nowhere<Metric>();
            using MeterProvider metrics = Sdk.CreateMeterProviderBuilder().AddMeter(JobsTelemetry.MeterName)
                .AddReader(new BaseExportingMetricReader(read)).Build();
            (Spread quantum, Spread query) metered = MeasureBoth(provider, calls);
            metrics.ForceFlush();
            if (read.Count == 0)
                throw new InvalidOperationException("nothing was measured: the reader got no metrics");
            using TracerProvider traces = Sdk.CreateTracerProviderBuilder().AddSource(JobsTelemetry.SourceName)
                .AddProcessor(new BatchActivityExportProcessor(new Nowhere<Activity>())).Build();
            (Spread quantum, Spread query) traced = MeasureBoth(provider, calls);
            return new(alone.quantum, metered.quantum, traced.quantum, alone.query, metered.query, traced.query);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public string ToTable()
    {
        var table = new MarkdownTable("µs per", "no reader", "metrics read", "metrics and traces read");
        foreach ((string name, Spread[] all) in new[]
        {
            ("quantum", new[] { QuantumAlone, QuantumMetrics, QuantumTraces }), ("query of 8 inputs", new[] { QueryAlone, QueryMetrics, QueryTraces }),
        })
            table.Row([name, .. all.Select(one => FormattableString.Invariant($"{one.Min:F2} ({one.Median:F2})"))]);
        return table.ToString();
    }

    private static (Spread Quantum, Spread Query) MeasureBoth(ServiceProvider provider, int calls)
    {
        var jobs = provider.GetRequiredService<JobsMetrics>();
        var slots = provider.GetRequiredService<SlotMetrics>();
        var queries = provider.GetRequiredService<QueryMetrics>();
        Job job = NewJob();
        IBlock block = job.Blocks[0];
        job.Trace?.Opened(block, 0);
        Spread quantum = Time(calls, () =>
        {
            // Counts the quanta, of which few are told.
            job.Begin(block);
            jobs.Advanced(job, 64);
            slots.Quantum(SamplingJob.Name, Took);
            job.Trace?.Quantum(block, Took, 1, isLast: false);
        });
        job.Trace?.Interrupt();
        var asked = new ModelQuery { Model = new ModelKey("m", "1"), Kind = QueryKind.OutOfDistribution, Inputs = new TensorPayload([8, 1], new float[8]) };
        Outcome<QueryAnswer> answer = new QueryAnswer { Energies = [1, 2, 3, 4, 5, 6, 7, 8], PValues = [.1, .2, .3, .4, .5, .6, .7, .8] };
        Spread query = Time(calls / 10, () =>
        {
            using Activity? span = JobTracing.StartQuery(asked);
            queries.Ended(asked, answer, TimeProvider.System.GetTimestamp());
        });
        return (quantum, query);
    }

    private static Spread Time(int calls, Action call)
    {
        // Until the compiler's last word, which on a busy machine comes late.
        for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun) < WarmUp;)
            call();
        return Spread.Of(Enumerable.Range(0, Batches).Select(_ =>
        {
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < calls / Batches; i++)
                call();
            return Stopwatch.GetElapsedTime(begun).TotalMicroseconds / (calls / Batches);
        }));
    }

    private static Job NewJob()
    {
        var snapshot = new JobSnapshot
        {
            Id = Guid.CreateVersion7().ToString("N"), Status = JobStatus.Running, Models = JobModel.Only(new ModelReference("m", "1", "sha256:00")),
            Spec = Spec, Progress = new JobProgress(), CreatedAt = TimeProvider.System.GetUtcNow(),
        };
        return new Job(snapshot, new JobPlan([new BlockPlan(0, 0, 64, 1_000_000)]), epoch: 0, new NoDuties(), TimeProvider.System)
        {
            Trace = JobTracing.Begin(snapshot, TimeProvider.System),
        };
    }

    private static SamplingSpec Spec { get; } = new()
    {
        Chains = 64, Steps = 1_000_000, Seed = 1, BlockSize = 64, PreviewEvery = 0, Recipe = "langevin", Kernel = SamplingKernel.Sgld, StepSize = 1, Noise = 1,
        Order = UpdateOrder.GradientFirst, GradientClip = new(), StateClamp = new(), Schedule = new(), Labels = [], Start = ChainStart.Base, FreshShare = 0,
        Precision = SamplingPrecision.Float32,
    };

    /// <summary>Takes what is exported and drops it: batching is part of the cost, sending it isn't the slot's.</summary>
    private sealed class Nowhere<T> : BaseExporter<T>
        where T : class
    {
        public long Count { get; private set; }

        public override ExportResult Export(in Batch<T> batch)
        {
            Count += batch.Count;
            return ExportResult.Success;
        }
    }

    private sealed class NoDuties : IJobDuties
    {
        public Task Record(Job job, JobEntry entry, Task before) => Task.CompletedTask;

        public void Judge(Job job, int step, BlockStatistics[] series)
        {
            // Nothing stops it.
        }

        public JobProgress Progress(Job job, int? queuePosition) => new();

        public void Changed(Job job)
        {
            // Nobody looks.
        }
    }
}
