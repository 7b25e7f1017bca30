using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

/// <summary>Model folders as deployments make them: everything is a link.</summary>
public sealed class DeployedRepositoryTests : IDisposable
{
    private readonly TestRepository files = new();
    private readonly TemporaryFolder outside = new();

    public void Dispose()
    {
        files.Dispose();
        outside.Dispose();
    }

    [Fact]
    public void List_ConfigMap_IsServedAndFollowsItsUpdate()
    {
        files.AddMlp("m", "1", "2");
        // A ConfigMap: NAME -> ..data/NAME, ..data -> ..TIME; an update turns ..data.
        Directory.CreateDirectory(files.Folder("..2026_01"));
        Directory.CreateDirectory(files.Folder("..2026_02"));
        Directory.Move(files.Folder("m"), files.Folder("..2026_01", "m"));
        Directory.CreateDirectory(files.Folder("..2026_02", "m"));
        Directory.Move(files.Folder("..2026_01", "m", "2"), files.Folder("..2026_02", "m", "2"));
        File.Copy(files.Folder("..2026_01", "m", "model.json"), files.Folder("..2026_02", "m", "model.json"));
        Directory.CreateSymbolicLink(files.Folder("..data"), "..2026_01");
        Directory.CreateSymbolicLink(files.Folder("m"), "..data/m");
        ModelRepository sut = files.Open();

        Assert.Equal([("m/1", ModelState.Ready)], States(sut));

        Directory.Delete(files.Folder("..data"));
        Directory.CreateSymbolicLink(files.Folder("..data"), "..2026_02");
        sut.Reload();

        Assert.Equal([("m/2", ModelState.Ready)], States(sut));
    }

    [Fact]
    public void List_MountedFilesThatAreLinksToData_AreServed()
    {
        files.AddMlp("m", "1");
        // Each folder is a volume of its own.
        foreach (string[] part in (string[][])[["m"], ["m", "1"]])
        {
            Directory.CreateDirectory(files.Folder([.. part, "..time"]));
            foreach (string path in Directory.GetFiles(files.Folder(part)))
            {
                File.Move(path, files.Folder([.. part, "..time", Path.GetFileName(path)]));
                File.CreateSymbolicLink(path, Path.Combine("..data", Path.GetFileName(path)));
            }
            Directory.CreateSymbolicLink(files.Folder([.. part, "..data"]), "..time");
        }
        ModelRepository sut = files.Open();

        Assert.Equal([("m/1", ModelState.Ready)], States(sut));
    }

    [Fact]
    public void List_HuggingFaceSnapshot_NeedsTheSettingThatItsRefusalNames()
    {
        files.AddMlp("m", "1");
        // models--m/snapshots/REVISION/FILE -> ../../blobs/HASH, and the repository links to the snapshot.
        string blobs = outside.File("models--m", "blobs"), snapshot = outside.File("models--m", "snapshots", "abc");
        Directory.CreateDirectory(blobs);
        Directory.CreateDirectory(snapshot);
        foreach (string path in Directory.GetFiles(files.Folder("m", "1")))
        {
            File.Move(path, Path.Combine(blobs, "blob-" + Path.GetFileName(path)));
            File.CreateSymbolicLink(
                Path.Combine(snapshot, Path.GetFileName(path)), Path.Combine("..", "..", "blobs", "blob-" + Path.GetFileName(path)));
        }
        Directory.Delete(files.Folder("m", "1"));
        Directory.CreateSymbolicLink(files.Folder("m", "1"), snapshot);

        HostedModel refused = Assert.Single(files.Open().List());
        Assert.Equal(ModelState.Unavailable, refused.State);
        Assert.Contains("Models:AllowedLinkTargets", refused.Reason);
        Assert.DoesNotContain(outside.Path, refused.Reason);
        // The snapshot's folder alone is not where the blobs lie.
        Assert.Contains("'version.json' is a link", Assert.Single(TestRepository.Open(files.Root, snapshot).List()).Reason);
        Assert.Equal(ModelState.Ready, Assert.Single(TestRepository.Open(files.Root, outside.File("models--m")).List()).State);
        Assert.Equal(ModelState.Ready,
            Assert.Single(TestRepository.Open(files.Root, outside.File("not-there"), snapshot, blobs).List()).State);
    }

    private static IEnumerable<(string, ModelState)> States(ModelRepository models) =>
        models.List().Select(model => (model.Key.ToString(), model.State));
}
