using System.Reflection;
using Xunit;

namespace EbmService.Build.Tests;

/// <summary>What the build really left in an output folder: this project's own.</summary>
public sealed class NativeOutputTests
{
    private const string Library = "libLibTorchSharp.so";
    private const string Version = "GLIBCXX_3.4.32";

    [Fact]
    public void Build_LibTorchSharpInTheOutput_IsARegularFileOneByteFromThePackage()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF files are loaded on Linux only");
        FileInfo output = OutputFile(Library);
        byte[] edited = File.ReadAllBytes(output.FullName);
        byte[] packaged = File.ReadAllBytes(PackagedPath());

        Assert.Null(output.LinkTarget);
        Assert.Equal(packaged.Length, edited.Length);
        int[] differing = [.. Enumerable.Range(0, edited.Length).Where(i => edited[i] != packaged[i])];
        Assert.Equal(ElfVersionWeakener.Weaken(packaged, Version), differing);
        Assert.Equal(packaged, edited);
        Assert.Single(differing);
    }

    [Fact]
    public void Build_LibTorchInTheOutput_IsALinkOrLeftOut()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "links are made on Linux");
        Assert.NotNull(OutputFile("libtorch_cpu.so").LinkTarget);
        Assert.Empty(Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_python.so", SearchOption.AllDirectories));
    }

    private static FileInfo OutputFile(string name) =>
        new(Assert.Single(Directory.GetFiles(AppContext.BaseDirectory, name, SearchOption.AllDirectories)));

    private static string PackagedPath() =>
        Assert.Single(typeof(NativeOutputTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>(),
            attribute => attribute.Key == "PackagedLibTorchSharp").Value!;
}
