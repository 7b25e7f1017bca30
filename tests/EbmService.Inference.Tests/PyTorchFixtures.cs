using System.Reflection;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Tests;

/// <summary>Files that PyTorch made; see tests/fixtures/pytorch/README.md.</summary>
internal static class PyTorchFixtures
{
    private static readonly string s_root = typeof(PyTorchFixtures).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    public static string PathOf(string name) => Path.Combine(s_root, "tests", "fixtures", "pytorch", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name));

    public static TensorPayload Numbers(string name) => NpyFormat.Read(Bytes(name));
}
