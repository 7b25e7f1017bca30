using System.Reflection;
using EbmService.Core.Tensors;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests;

/// <summary>Modules that PyTorch scripted, and what it computed with them; see tests/fixtures/torchscript/README.md.</summary>
internal static class TorchScriptFixtures
{
    private static readonly string s_folder = Path.Combine(
        typeof(TorchScriptFixtures).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "RepositoryRoot").Value!,
        "tests", "fixtures", "torchscript");

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(s_folder, name));

    public static Tensor Numbers(string name)
    {
        TensorPayload payload = NpyFormat.Read(Bytes(name));
        return tensor(payload.Values, [.. payload.Shape.Select(size => (long)size)]);
    }
}
