using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary>Runs the job of every kernel and says what it gave, one line each: so a test that fails names its kernels.</summary>
internal static class KernelRuns
{
    private static readonly ConcurrentDictionary<string, Task<string[]>> References = new();

    /// <summary>What the jobs give undisturbed: on a service with nothing else to do, one after the other.</summary>
    public static Task<string[]> ReferenceAsync(HttpClient client, IReadOnlyList<KernelCase> cases) =>
        References.GetOrAdd(string.Join(' ', cases), _ => OneByOneAsync(client, cases));

    public static async Task<string[]> SubmitAsync(HttpClient client, IReadOnlyList<KernelCase> cases)
    {
        var ids = new List<string>();
        foreach (KernelCase one in cases)
            ids.Add(await client.SubmitAsync(one.Spec(), one.Model));
        return [.. ids];
    }

    /// <summary>Waits for the success of all and returns "kernel/file: SHA-256" of each array.</summary>
    public static async Task<string[]> HashesAsync(HttpClient client, IReadOnlyList<KernelCase> cases, IReadOnlyList<string> ids)
    {
        var lines = new List<string>();
        foreach ((KernelCase one, string id) in cases.Zip(ids))
        {
            JsonObject job = await client.WaitForEndAsync(id);
            Assert.True((string?)job["status"] == "succeeded", $"{one.Name}: {job.ToJsonString()}");
            foreach (string name in job["results"]!.AsArray().Select(result => (string)result!["name"]!).Where(IsArray))
                lines.Add($"{one.Name}/{name}: {await client.HashOfResultAsync(id, name)}");
        }
        return [.. lines];
    }

    /// <summary>Looks at the jobs until the condition holds for each at one time or another.</summary>
    public static async Task<JsonObject[]> WaitForAllAsync(HttpClient client, IReadOnlyList<string> ids, Func<JsonObject, bool> condition, Func<string, Task>? then = null)
    {
        var seen = new JsonObject?[ids.Count];
        while (true)
        {
            for (int i = 0; i < ids.Count; i++)
            {
                if (seen[i] is not null)
                    continue;
                JsonObject job = await client.GetJobAsync(ids[i]);
                if (!condition(job))
                {
                    Assert.False(job.IsOver(), $"The job ended too early: {job.ToJsonString()}");
                    continue;
                }
                seen[i] = job;
                if (then is not null)
                    await then(ids[i]);
            }
            if (seen.All(job => job is not null))
                return seen!;
            await Task.Delay(20, HttpSteps.Cancel);
        }
    }

    public static int StepOf(JsonObject job) => (int)((long)job["progress"]!["done"]! / (long)job["spec"]!["chains"]!);

    private static bool IsArray(string name) => name.EndsWith(".npy", StringComparison.Ordinal);

    private static async Task<string[]> OneByOneAsync(HttpClient client, IReadOnlyList<KernelCase> cases)
    {
        var lines = new List<string>();
        foreach (KernelCase one in cases)
            lines.AddRange(await HashesAsync(client, [one], await SubmitAsync(client, [one])));
        return [.. lines];
    }
}
