using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

public sealed class IdempotentAdmissionTests : IAsyncLifetime
{
    private static readonly SubmissionKey Key = new(JobSnapshot.DefaultTenant, "k", "f");
    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task SubmitOnce_SameKeyAndMeaning_IsTheSameJob()
    {
        JobSnapshot first = (await SubmitAsync(Key)).OrThrow();

        Assert.Equal(first.Id, (await SubmitAsync(Key)).OrThrow().Id);
        Assert.Equal(FailureCode.IdempotencyMismatch, (await SubmitAsync(Key with { Fingerprint = "g" })).Failure?.Code);
    }

    [Fact]
    public async Task SubmitOnce_Again_IsAnsweredWithoutLookingAtTheRequest()
    {
        JobSnapshot first = (await SubmitAsync(Key)).OrThrow();

        Outcome<JobSnapshot> again = await _host.Jobs.SubmitOnceAsync(Key, _ => throw new InvalidOperationException("the model has gone"), default);

        Assert.Equal(first.Id, again.OrThrow().Id);
    }

    [Fact]
    public async Task SubmitOnce_OtherTenantsKey_IsAnotherKey()
    {
        JobSnapshot first = (await SubmitAsync(Key)).OrThrow();
        JobSnapshot other = (await SubmitAsync(Key with { Tenant = "b", Fingerprint = "g" })).OrThrow();

        Assert.NotEqual(first.Id, other.Id);
        Assert.Equal(other.Id, (await SubmitAsync(Key with { Tenant = "b", Fingerprint = "g" })).OrThrow().Id);
        // Neither by a key that looks like the two together.
        Assert.NotEqual(other.Id, (await SubmitAsync(Key with { Key = "b\nk" })).OrThrow().Id);
    }

    [Fact]
    public async Task SubmitOnce_Simultaneous_AllWaitForTheFirst()
    {
        var release = new TaskCompletionSource();
        int made = 0;
        Task<Outcome<JobSnapshot>>[] all = [.. Enumerable.Range(0, 16).Select(_ => _host.Jobs.SubmitOnceAsync(Key, async _ =>
        {
            made++;
            await release.Task;
            return JobsHost.Submission();
        }, default))];
        release.SetResult();

        Outcome<JobSnapshot>[] answers = await Task.WhenAll(all);

        Assert.Single(answers.Select(answer => answer.OrThrow().Id).Distinct());
        Assert.Equal(1, made);
    }

    [Fact]
    public async Task SubmitOnce_FirstRefused_TheNextTriesAgain()
    {
        Outcome<JobSnapshot> refused = await _host.Jobs.SubmitOnceAsync(
            Key, _ => Task.FromResult<Outcome<JobSubmission>>(new Failure(FailureCode.ModelNotFound, "gone")), default);

        Assert.Equal(FailureCode.ModelNotFound, refused.Failure?.Code);
        Assert.True((await SubmitAsync(Key)).Succeeded);
    }

    private Task<Outcome<JobSnapshot>> SubmitAsync(SubmissionKey key) =>
        _host.Jobs.SubmitOnceAsync(key, _ => Task.FromResult<Outcome<JobSubmission>>(JobsHost.Submission()), default);
}
