using EbmService.Core.Jobs;

namespace EbmService.Inference.Tests.JobTypes;

/// <summary>Blocks' logs in memory, with the largest append seen.</summary>
internal sealed class MemoryLogs : IJobLogs
{
    private readonly Dictionary<(string, int), MemoryStream> _logs = [];

    public int LargestAppend { get; private set; }

    public void Append(string jobId, int block, long at, ReadOnlyMemory<byte> content)
    {
        if (!_logs.TryGetValue((jobId, block), out MemoryStream? log))
            _logs[(jobId, block)] = log = new MemoryStream();
        Assert.InRange(at, 0, log.Length);
        log.SetLength(at);
        log.Position = at;
        log.Write(content.Span);
        LargestAppend = Math.Max(LargestAppend, content.Length);
    }

    public Stream Open(string jobId, int block, long length)
    {
        byte[] content = _logs.TryGetValue((jobId, block), out MemoryStream? log) ? log.ToArray() : [];
        return length <= content.Length ? new MemoryStream(content[..(int)length], writable: false) : throw new InvalidDataException("the log is shorter");
    }

    public float[] Read(string jobId, int block)
    {
        byte[] content = _logs[(jobId, block)].ToArray();
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(content).ToArray();
    }
}
