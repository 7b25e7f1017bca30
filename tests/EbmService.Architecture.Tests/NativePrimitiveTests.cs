using System.Buffers.Binary;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Xunit;

namespace EbmService.Architecture.Tests;

/// <summary>
/// Operators of TorchSharp that make oneDNN primitives have one caller, which makes them in a fixed way (docs/adr/0009). Read
/// from the compiled code, by name, so that an overload or module that nobody thought of is found too.
/// </summary>
public sealed partial class NativePrimitiveTests
{
    private const string Gate = "NativePrimitives";

    [Fact]
    public void Operators_ThatMakePrimitives_AreCalledByTheGateOnly()
    {
        Dictionary<string, HashSet<string>> callers = CallersInInference();

        Assert.Contains("conv2d", callers.Keys);
        Assert.Contains("conv_transpose2d", callers.Keys);
        Assert.Contains("grad", callers.Keys);
        Assert.Contains("linear", callers.Keys);
        Assert.Empty(callers.SelectMany(pair => pair.Value.Where(type => type != Gate).Select(type => $"{type} calls {pair.Key}")));
    }

    [Theory]
    [InlineData("conv2d")]
    [InlineData("Conv3d")]
    [InlineData("ConvTranspose2d")]
    [InlineData("backward")]
    [InlineData("matmul")]
    [InlineData("einsum")]
    [InlineData("op_MatrixMultiply")]
    [InlineData("LSTM")]
    public void Pattern_OperatorThatMakesPrimitives_IsFound(string name) => Assert.Matches(MakesPrimitives(), name);

    [Theory]
    [InlineData("logsumexp")]
    [InlineData("convert")]
    [InlineData("get_requires_grad")]
    [InlineData("no_grad")]
    [InlineData("mean")]
    public void Pattern_OtherOperator_IsNot(string name) => Assert.DoesNotMatch(MakesPrimitives(), name);

    /// <summary>Name of the operator -> outermost types with a method that calls it.</summary>
    private static Dictionary<string, HashSet<string>> CallersInInference()
    {
        string path = Path.Combine(
            RepositoryFiles.Root, "src", "EbmService.Inference", "bin", RepositoryFiles.Configuration, "net10.0",
            "EbmService.Inference.dll");
        using var reader = new PEReader(File.OpenRead(path));
        MetadataReader metadata = reader.GetMetadataReader();
        Dictionary<int, string> operators = metadata.MemberReferences
            .Where(handle => MakesPrimitives().IsMatch(NameOf(metadata, handle))
                && IsTorch(metadata, metadata.GetMemberReference(handle).Parent))
            .ToDictionary(handle => MetadataTokens.GetToken(handle), handle => NameOf(metadata, handle));
        var callers = new Dictionary<string, HashSet<string>>();
        foreach (MethodDefinition method in metadata.MethodDefinitions.Select(metadata.GetMethodDefinition)
            .Where(method => method.RelativeVirtualAddress != 0))
        {
            byte[] code = reader.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!;
            // Every four bytes that are the operator's token; a constant that happens to equal one would be a false alarm, not a miss.
            for (int i = 0; i + sizeof(int) <= code.Length; i++)
            {
                if (operators.TryGetValue(BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(i)), out string? name))
                    (callers.TryGetValue(name, out HashSet<string>? types) ? types : callers[name] = [])
                        .Add(Outermost(metadata, method.GetDeclaringType()));
            }
        }
        return callers;
    }

    private static string NameOf(MetadataReader metadata, MemberReferenceHandle handle) =>
        metadata.GetString(metadata.GetMemberReference(handle).Name);

    private static bool IsTorch(MetadataReader metadata, EntityHandle type)
    {
        while (type.Kind == HandleKind.TypeReference)
        {
            TypeReference reference = metadata.GetTypeReference((TypeReferenceHandle)type);
            if (metadata.GetString(reference.Namespace).StartsWith("TorchSharp", StringComparison.Ordinal))
                return true;
            type = reference.ResolutionScope;
        }
        return type.Kind == HandleKind.TypeSpecification;
    }

    private static string Outermost(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        TypeDefinition type = metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
            type = metadata.GetTypeDefinition(type.GetDeclaringType());
        return metadata.GetString(type.Name);
    }

    [GeneratedRegex(
        "^(conv(_transpose)?[123]d|convolution.*|Conv(Transpose)?[123]d|[Ll]inear|[Bb]ilinear|mm|bmm|baddbmm.*|matmul|addmm.*|addbmm.*|addmv.*|addr.*|mv|dot|vdot|inner|outer"
        + "|einsum|tensordot|chain_matmul|multi_dot|op_MatrixMultiply|scaled_dot_product_attention|backward|grad|LSTM.*|GRU.*|RNN.*|MultiheadAttention|Transformer.*)$")]
    private static partial Regex MakesPrimitives();
}
