using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EbmService.Inference.Models;
using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.TorchScript;

/// <summary>
/// A TorchScript module in memory, in evaluation mode, run by the JIT's plain executor. TorchScript is code: nobody comes here unless the
/// operator has allowed it. Thread-safe.
/// </summary>
internal sealed class TorchScriptModule : IDisposable
{
    private static long s_loaded;

    private readonly jit.ScriptModule _module;
    private readonly long _number = Interlocked.Increment(ref s_loaded);
    private readonly int _operators;
    private readonly ScalarType _precision;

    private TorchScriptModule(jit.ScriptModule module, int constants, ScalarType precision)
    {
        (_module, _precision) = (module, precision);
        Parameters = precision == ScalarType.Float32 ? Tensors(module).ToDictionary() : Convert(module, precision);
        foreach (Tensor parameter in Parameters.Values)
        {
            parameter.requires_grad_(false);
            parameter.DetachFromDisposeScope();
        }
        // A weight that products or convolutions are made with has two dimensions or more.
        _operators = Math.Max(1, constants + Parameters.Values.Count(parameter => parameter.dim() > 1));
    }

    /// <value>Parameters and buffers, without gradients; the caller's to dispose of.</value>
    public IReadOnlyDictionary<string, Tensor> Parameters { get; }

    /// <param name="file">The module's archive.</param>
    /// <param name="precision">Float32 leaves the module as it is, another one converts its floating-point parameters and buffers.</param>
    /// <exception cref="InvalidModelException">It is no TorchScript, or too large.</exception>
    public static TorchScriptModule Load(byte[] file, ScalarType precision, Device device)
    {
        PlainExecutor.Choose();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        int constants = CountConstants(file);
        try
        {
            jit.ScriptModule module = jit.load(file, device.type, device.index);
            module.eval();
            return new TorchScriptModule(module, constants, precision);
        }
        catch (ExternalException e)
        {
            throw new InvalidModelException($"'{ModelFiles.Module}' can't be loaded as TorchScript: {Reason(e)}", e);
        }
    }

    /// <summary>What the network gives, or the one of its outputs that is asked for.</summary>
    /// <param name="x">(n, ...input) in any precision.</param>
    public Tensor Forward(Tensor x, int outputIndex) => NativePrimitives.Forward(_number, _operators, x.to(_precision), input =>
    {
        object result = _module.forward(input);
        return (outputIndex, result) switch
        {
            (0, Tensor only) => only,
            (_, ITuple tuple) when outputIndex < tuple.Length && tuple[outputIndex] is Tensor output => output,
            (_, Array list) when outputIndex < list.Length && list.GetValue(outputIndex) is Tensor output => output,
            _ => throw new InvalidModelException($"'{ModelFiles.Module}' gives no tensor as its output {outputIndex}"),
        };
    });

    /// <summary>By the input of what <see cref="Forward"/> made of it.</summary>
    /// <param name="output">A scalar.</param>
    public Tensor Gradient(Tensor output, Tensor input) => NativePrimitives.Backward(_number, _operators, output, input);

    public void Dispose()
    {
        // TorchSharp makes new references to the parameters when it disposes of a module.
        using DisposeScope scope = NewDisposeScope();
        _module.Dispose();
    }

    /// <summary>libtorch's message without the traceback of the script.</summary>
    internal static string Reason(ExternalException exception)
    {
        const int Longest = 200;
        string[] lines = [.. exception.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        string line = lines.FirstOrDefault(line => line.StartsWith("RuntimeError: ", StringComparison.Ordinal))
            ?? lines.FirstOrDefault() ?? "no reason given";
        return line.Length <= Longest ? line : $"{line[..Longest]}...";
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Tensors(jit.ScriptModule module) =>
        module.named_parameters().Select(pair => KeyValuePair.Create<string, Tensor>(pair.name, pair.parameter))
            .Concat(module.named_buffers().Select(pair => KeyValuePair.Create(pair.name, pair.buffer)));

    /// <summary>TorchSharp's own conversion also converts integers, and keeps references to the module's parts until a collection.</summary>
    private static Dictionary<string, Tensor> Convert(jit.ScriptModule module, ScalarType precision)
    {
        var converted = new Dictionary<string, Tensor>();
        foreach ((string path, nn.Module each) in module.named_modules().Prepend(("", module)))
        {
            var part = (jit.ScriptModule)each;
            foreach ((string name, Tensor tensor) in Tensors(part).Where(pair => !pair.Key.Contains('.')))
            {
                Tensor own = tensor.is_floating_point() ? tensor.to(precision) : tensor.alias();
                part.set_attribute(name, own);
                converted[path.Length == 0 ? name : $"{path}.{name}"] = own;
            }
            if (part != module)
                part.Dispose();
        }
        return converted;
    }

    /// <summary>Tensors that are constants of the code, as all weights of a frozen module are.</summary>
    /// <exception cref="InvalidModelException">The file is no archive, or its tensors are too large together.</exception>
    private static int CountConstants(byte[] file)
    {
        try
        {
            using var archive = new ZipArchive(new MemoryStream(file));
            ZipArchiveEntry[] tensors = [.. archive.Entries.Where(entry => entry.FullName.Split('/') is [_, "data" or "constants", _])];
            if (tensors.Sum(entry => entry.Length) > ModelLimits.MaxParameters * sizeof(float))
                throw new InvalidModelException($"'{ModelFiles.Module}' has more than {ModelLimits.MaxParameters} parameters");
            return tensors.Count(entry => entry.FullName.Contains("/constants/", StringComparison.Ordinal));
        }
        catch (InvalidDataException e)
        {
            throw new InvalidModelException($"'{ModelFiles.Module}' is no archive as torch.jit.save writes it", e);
        }
    }
}
