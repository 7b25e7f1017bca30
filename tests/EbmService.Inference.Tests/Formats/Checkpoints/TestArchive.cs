using System.IO.Compression;
using System.Text;

namespace EbmService.Inference.Tests.Formats.Checkpoints;

/// <summary>Makes zip files as torch.save does, good ones and others.</summary>
internal static class TestArchive
{
    /// <summary>A pickle of one tensor of floats: storage 0, the given number of elements, offset, sizes and strides.</summary>
    public static byte[] TensorPickle(int count, int offset, int[] shape, int[] strides, string storage = "FloatStorage")
    {
        var pickle = new TestPickle().Protocol(2).EmptyDict().Text("t").Global("torch._utils", "_rebuild_tensor_v2").Mark();
        pickle.Mark().Text("storage").Global("torch", storage).Text("0").Text("cpu").Number(count).Op('t').Op('Q');
        pickle.Number(offset).Numbers(shape).Numbers(strides).Op('\x89').Global("collections", "OrderedDict").Op(')').Op('R');
        return pickle.Op('t').Op('R').Op('s').Stop();
    }

    public static byte[] Zip(byte[] pickle, params (string Name, byte[] Bytes)[] others) =>
        Zip(CompressionLevel.NoCompression, [("a/data.pkl", pickle), .. others]);

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Bytes)[] entries)
    {
        var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in entries)
            {
                using Stream entry = zip.CreateEntry(name, level).Open();
                entry.Write(bytes);
            }
        }
        return memory.ToArray();
    }
}

/// <summary>Writes a pickle opcode by opcode.</summary>
internal sealed class TestPickle
{
    private readonly MemoryStream _bytes = new();

    public TestPickle Protocol(byte version) => Raw(0x80, version);

    public TestPickle Op(char opcode) => Raw((byte)opcode);

    public TestPickle Mark() => Op('(');

    public TestPickle EmptyDict() => Op('}');

    public TestPickle Text(string text) =>
        Op('X').Raw(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text))).Raw(Encoding.UTF8.GetBytes(text));

    public TestPickle Number(int number) => Op('J').Raw(BitConverter.GetBytes(number));

    public TestPickle Numbers(int[] numbers) => numbers.Aggregate(Mark(), (pickle, number) => pickle.Number(number)).Op('t');

    public TestPickle Global(string module, string name) => Op('c').Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    public TestPickle Raw(params byte[] bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public byte[] Stop() => Op('.')._bytes.ToArray();
}
