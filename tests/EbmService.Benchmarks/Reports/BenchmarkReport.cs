using EbmService.Benchmarks.Measurements;

namespace EbmService.Benchmarks.Reports;

/// <summary>Everything measured, as written to the JSON file.</summary>
internal sealed record BenchmarkReport(
    string Machine, string Model, SamplingMeasurement Sampling, ThroughputMeasurement Throughput, LatencyMeasurement Latency);
