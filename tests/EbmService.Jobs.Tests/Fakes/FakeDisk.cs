using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>The real disk until a test says what a write runs into.</summary>
internal sealed class FakeDisk(Death? death = null) : JobDisk
{
    /// <value>Called with the path before each change; may throw.</value>
    public Action<string>? OnChange { get; set; }

    /// <value>Room that it says it has; null: what the real one has.</value>
    public long? Free { get; set; }

    public override long FreeBytes(string folder) => Free ?? base.FreeBytes(folder);

    /// <summary>What .NET throws at ENOSPC.</summary>
    public static IOException Full() => new("No space left on device", 28);

    protected override void Changing(string path)
    {
        death?.Change();
        OnChange?.Invoke(path);
    }
}
