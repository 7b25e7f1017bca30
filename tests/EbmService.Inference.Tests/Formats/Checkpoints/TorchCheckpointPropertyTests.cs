using CsCheck;
using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;

namespace EbmService.Inference.Tests.Formats.Checkpoints;

/// <summary>However a file is damaged, it is refused cleanly or gives the tensors that were saved.</summary>
public sealed class TorchCheckpointPropertyTests
{
    private const int Files = 4000;

    private static readonly byte[] s_file = PyTorchFixtures.Bytes("formats.pt");

    private static readonly Dictionary<string, SafetensorsTensor> s_expected = ReadAll(s_file);

    /// <summary>What lies between the entries' bytes: nothing there has a checksum.</summary>
    private static readonly Gen<(int At, byte Value)> s_flip = Gen.Select(Gen.Int[0, s_file.Length - 1], Gen.Byte[1, 255]);

    [Fact]
    public void Read_TruncatedFile_IsRefused() =>
        Gen.Int[0, s_file.Length - 1].Sample(length =>
            Assert.Throws<InvalidCheckpointException>(() => TorchCheckpoint.Read(s_file.AsMemory(0, length))), iter: Files);

    [Fact]
    public void Read_FileWithChangedBytes_IsRefusedOrGivesWhatWasSaved() => s_flip.Array[1, 4].Sample(flips =>
    {
        byte[] file = [.. s_file];
        foreach ((int at, byte value) in flips)
            file[at] ^= value;
        CheckRefusedOrSame(file);
    }, iter: Files);

    /// <summary>The checksum of the pickle is made right again, so that the opcodes are what is tested.</summary>
    [Fact]
    public void Read_PickleWithChangedBytes_IsRefusedOrRead()
    {
        byte[] pickle = TestArchive.TensorPickle(6, 1, [2, 2], [3, 1]);

        Gen.Select(Gen.Int[0, pickle.Length - 1], Gen.Byte).Array[1, 4].Sample(changes =>
        {
            byte[] changed = [.. pickle];
            foreach ((int at, byte value) in changes)
                changed[at] = value;
            try
            {
                foreach (CheckpointTensor tensor in TorchCheckpoint.Read(TestArchive.Zip(changed, ("a/data/0", new byte[24])))
                    .Tensors.Values)
                    Assert.NotNull(tensor.Read());
            }
            catch (InvalidCheckpointException)
            {
            }
        }, iter: Files);
    }

    private static void CheckRefusedOrSame(byte[] file)
    {
        Dictionary<string, SafetensorsTensor> tensors;
        try
        {
            tensors = ReadAll(file);
        }
        catch (InvalidCheckpointException)
        {
            return;
        }
        Assert.Equal(s_expected.Keys, tensors.Keys);
        Assert.All(s_expected, pair => Assert.Equal(pair.Value.Data.ToArray(), tensors[pair.Key].Data.ToArray()));
    }

    private static Dictionary<string, SafetensorsTensor> ReadAll(byte[] file) =>
        TorchCheckpoint.Read(file).Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.Read());
}
