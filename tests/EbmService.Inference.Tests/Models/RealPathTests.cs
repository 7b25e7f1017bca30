using System.Diagnostics;
using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class RealPathTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string real;

    public RealPathTests() => real = RealPath.Of(folder.Path)!.Value.Path;

    [Fact]
    public void Contains_SiblingWithTheSamePrefix_IsOutside()
    {
        folder.WriteFile("models/a", [1]);
        folder.WriteFile("models-evil/a", [1]);
        File.CreateSymbolicLink(folder.File("models", "out"), "../models-evil/a");
        RealPath sut = RealPath.Of(folder.File("models"))!.Value;

        Assert.True(sut.Contains(RealPath.Of(folder.File("models", "a"))!.Value));
        Assert.True(sut.Contains(sut));
        Assert.False(sut.Contains(RealPath.Of(folder.File("models-evil", "a"))!.Value));
        Assert.False(sut.Contains(RealPath.Of(folder.File("models", "out"))!.Value));
    }

    [Fact]
    public void Of_DotDotAfterALink_GoesUpFromTheTarget()
    {
        folder.WriteFile("deep/er/file", [1]);
        folder.WriteFile("deep/x", [1]);
        Directory.CreateSymbolicLink(folder.File("link"), "deep/er");
        File.CreateSymbolicLink(folder.File("up"), "link/../x");

        Assert.Equal(Path.Combine(real, "deep", "x"), RealPath.Of(folder.File("up"))!.Value.Path);
    }

    [Fact]
    public void Of_NothingThere_IsNull()
    {
        File.CreateSymbolicLink(folder.File("dangling"), "nowhere");

        Assert.Null(RealPath.Of(folder.File("nowhere")));
        Assert.Null(RealPath.Of(folder.File("dangling")));
    }

    [Fact]
    public void List_WeightsLinkThatLoops_MakesTheVersionUnavailable()
    {
        using var files = new TestRepository();
        files.AddMlp("m", "1");
        string path = files.Folder("m", "1", "weights.safetensors");
        File.Delete(path);
        File.CreateSymbolicLink(path, path);

        HostedModel model = Assert.Single(files.Open().List());

        Assert.Equal((ModelState.Unavailable, "a file can't be read"), (model.State, model.Reason));
    }

    /// <summary>The text of /proc/PID/root is "/", so that text alone takes the other namespace's folders for this one's.</summary>
    [Fact]
    public async Task List_RepositoryInAnotherMountNamespace_IsServedAndItsLinksAreStillHeld()
    {
        using var files = new TestRepository();
        files.AddMlp("m", "1");
        files.AddMlp("n", "1");
        string hidden = folder.File("hidden");
        Directory.CreateDirectory(hidden);
        // Both namespaces have this path, but only the other one has the models there.
        using Process? other = await OtherNamespace.StartAsync(
            $"mount -t tmpfs none '{hidden}' && cp -r '{files.Root}' '{hidden}/models' && rm '{hidden}/models/n/1/weights.safetensors' "
            + $"&& cp '{files.Root}/n/1/weights.safetensors' '{hidden}/secret' && ln -s ../../../secret "
            + $"'{hidden}/models/n/1/weights.safetensors'");
        Assert.SkipWhen(other is null, "this machine permits no mount namespaces");
        try
        {
            IReadOnlyList<HostedModel> models = TestRepository.Open($"/proc/{other.Id}/root{hidden}/models").List();

            Assert.Equal(ModelState.Ready, models.Single(model => model.Key.Name == "m").State);
            Assert.Contains("leaves the repository", models.Single(model => model.Key.Name == "n").Reason);
        }
        finally
        {
            other.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task List_LinkIntoAnotherNamespacesFolderOfTheSameName_IsRefused()
    {
        using var files = new TestRepository();
        files.AddMlp("m", "1");
        string weights = files.Folder("m", "1", "weights.safetensors");
        using Process? other = await OtherNamespace.StartAsync(
            $"cp '{weights}' '{folder.Path}/w' && mount -t tmpfs none '{files.Root}' && mkdir -p '{files.Root}/m' && cp "
            + $"'{folder.Path}/w' '{files.Root}/m/w'");
        Assert.SkipWhen(other is null, "this machine permits no mount namespaces");
        try
        {
            File.Delete(weights);
            File.CreateSymbolicLink(weights, $"/proc/{other.Id}/root{files.Root}/m/w");

            Assert.Contains("leaves the repository", Assert.Single(files.Open().List()).Reason);
        }
        finally
        {
            other.Kill(entireProcessTree: true);
        }
    }

    public void Dispose() => folder.Dispose();
}

/// <summary>A process with mounts of its own.</summary>
internal static class OtherNamespace
{
    /// <returns>Null where the machine does not permit it.</returns>
    internal static async Task<Process?> StartAsync(string commands)
    {
        var start = new ProcessStartInfo(
            "unshare", ["--map-root-user", "--mount", "sh", "-c", $"{commands} && echo ready && exec sleep 60"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            Process process = Process.Start(start)!;
            if (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) == "ready")
                return process;
            process.Dispose();
            return null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
