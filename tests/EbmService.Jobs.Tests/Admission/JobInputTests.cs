using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Rows;
using EbmService.Core.Scoring;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>Jobs that start from other jobs' results. The fakes' result is called samples.txt, the spec asks for samples.npy.</summary>
public sealed class JobInputTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private JobSnapshot _source = null!;

    public async ValueTask InitializeAsync()
    {
        _host.Assembler.FileName = "samples.npy";
        await _host.StartAsync();
        _source = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Submit_StartsFromAnotherJob_ReadsACopyThatOutlivesItsSource()
    {
        SamplingSpec spec = From(_source.Id, _source.Results[0].Sha256);
        var read = new TaskCompletionSource<byte[]>();
        var held = new SemaphoreSlim(0);
        string id = "";
        Script script = _host.Workloads.On(2, new Script
        {
            Permits = held,
            BeforeStep = _ => read.TrySetResult(Read(id, spec.Inputs[0])),
        });
        id = (await _host.SubmitAsync(spec)).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        Assert.True((await _host.Jobs.DeleteAsync(_source.Id, default)).Succeeded);
        held.Release(100);

        Assert.Equal("0:3;"u8.ToArray(), await read.Task.WaitAsync(JobsHost.Patience));
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(id)).Status);
        string child = (await _host.Jobs.ExtendAsync(id, 1, default)).OrThrow().Id;
        Assert.Equal("0:3;"u8.ToArray(), Read(child, spec.Inputs[0]));
        await _host.EndOfAsync(child);
    }

    [Fact]
    public async Task Submit_StartCameWithTheJob_ReadsThatAndLooksForNoSource()
    {
        byte[] start = "0:7;"u8.ToArray();
        SamplingSpec spec = From("elsewhere", Convert.ToHexStringLower(SHA256.HashData(start)));
        var read = new TaskCompletionSource<byte[]>();
        string id = "";
        var held = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(2, new Script
        {
            Permits = held,
            BeforeStep = _ => read.TrySetResult(Read(id, spec.Inputs[0])),
        });

        var attachments = new Dictionary<string, byte[]> { [SamplingSpec.StartFile] = start };
        id = (await _host.Jobs.SubmitAsync(JobsHost.Submission(spec) with { Attachments = attachments }, default)).OrThrow().Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        held.Release(100);

        Assert.Equal(start, await read.Task.WaitAsync(JobsHost.Patience));
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task Submit_SourceThatIsNone_IsAFieldErrorAndLeavesNoTrace()
    {
        string hash = _source.Results[0].Sha256;
        var held = new SemaphoreSlim(0);
        _host.Workloads.On(3, new Script { Permits = held });
        string unfinished = (await _host.SubmitAsync(JobsHost.Spec(seed: 3))).Id;

        await RefusedAsync(From(Guid.NewGuid().ToString("N"), hash), "no job");
        await RefusedAsync(From("../../etc", hash), "no job");
        await RefusedAsync(From(unfinished, hash), "not ended");
        await RefusedAsync(From(_source.Id, new string('0', 64)), "hash");
        await File.WriteAllTextAsync(Path.Combine(_host.Folder, "jobs", _source.Id, "results", "samples.npy"), "0:9;");
        await RefusedAsync(From(_source.Id, hash), "damaged");
        Assert.Equal(2, (await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs.Count);
        Assert.True(Directory.GetDirectories(Path.Combine(_host.Folder, "jobs")).Length <= 2);
        held.Release(100);
        await _host.EndOfAsync(unfinished);
    }

    [Fact]
    public async Task Take_SourceThatIsNone_NamesTheFieldOfTheType()
    {
        var rows = new ScoringSpec
        {
            Outputs = [], Shape = [1], BlockSize = 1, Sha256 = new string('0', 64), Job = new JobRows(Guid.NewGuid().ToString("N"), "rows.npy"),
        };
        FailureException refused = await Assert.ThrowsAsync<FailureException>(() =>
            _host.Get<JobInputIntake>().TakeAsync(_source.Id, rows.Inputs, new Dictionary<string, byte[]>()));

        Assert.Equal("spec.job", Assert.Single(refused.Failure.Fields).Field);
    }

    [Fact]
    public async Task Open_CopyDamaged_Throws()
    {
        SamplingSpec spec = From(_source.Id, _source.Results[0].Sha256);
        string id = (await _host.EndOfAsync((await _host.SubmitAsync(spec)).Id)).Id;
        await File.WriteAllTextAsync(Path.Combine(_host.Folder, "jobs", id, "inputs", SamplingSpec.StartFile), "0:4;");

        // That it was checked before is forgotten with the job's end.
        Assert.Throws<FailureException>(() => _host.Get<IJobInputs>().Open(id, spec.Inputs[0]));
    }

    private static SamplingSpec From(string id, string hash) =>
        JobsHost.Spec(seed: 2) with { Start = ChainStart.Job, StartJob = new StartJob(id, hash) };

    private async Task RefusedAsync(SamplingSpec spec, string reason)
    {
        Failure? failure = (await _host.Jobs.SubmitAsync(JobsHost.Submission(spec), default)).Failure;
        FieldError error = Assert.Single(failure!.Fields);
        Assert.Equal("spec.startJob", error.Field);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private byte[] Read(string id, JobInput input)
    {
        using Stream content = _host.Get<IJobInputs>().Open(id, input);
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return bytes;
    }
}
