using System.Buffers.Binary;
using System.Text;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Tensors;

public sealed class NpyFormatTests
{
    /// <summary>Six little-endian floats 1 to 6 behind any header.</summary>
    private static byte[] File(string header, byte major = 1, byte minor = 0, byte[]? data = null)
    {
        byte[] text = (major == 3 ? Encoding.UTF8 : Encoding.Latin1).GetBytes(header);
        var length = new byte[major == 1 ? 2 : 4];
        if (major == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)text.Length);
        return [0x93, .. "NUMPY"u8, major, minor, .. length, .. text, .. data ?? Floats(1, 2, 3, 4, 5, 6)];
    }

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")]
    [InlineData("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}")]
    [InlineData("{\"shape\" : ( 2 , 3 , ) , \"descr\" : \"<f4\" , \"fortran_order\" : False }     \n")]
    [InlineData("  {\n\t'fortran_order'\t:\nFalse, u'descr': u'<f4', 'shape': (2L, 3L)}\n\n")]
    public void Read_TheSameLiteralInOtherWords_GivesTheSameArray(string header)
    {
        foreach (byte major in (byte[])[1, 2, 3])
        {
            TensorPayload sut = NpyFormat.Read(File(header, major));

            Assert.Equal([2, 3], sut.Shape);
            Assert.Equal([1, 2, 3, 4, 5, 6], sut.Values);
        }
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}")]
    [InlineData("{'descr': '<f4', 'fortran_order':True, 'shape': (2, 3)}")]
    [InlineData("{\"fortran_order\"  :  True, \"descr\": \"<f4\", \"shape\": (2, 3)}")]
    public void Read_FortranOrder_IsTurnedToRowMajor(string header) =>
        Assert.Equal([1, 3, 5, 2, 4, 6], NpyFormat.Read(File(header)).Values);

    [Fact]
    public void Read_FortranOrderInThreeDimensions_KeepsEveryElementsIndex()
    {
        int[] shape = [2, 3, 4];
        var stored = new float[24];
        for (int i = 0; i < 2; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                for (int k = 0; k < 4; k++)
                    stored[i + 2 * (j + 3 * k)] = 100 * i + 10 * j + k;
            }
        }

        TensorPayload sut = NpyFormat.Read(File("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4)}", data: Floats(stored)));

        Assert.Equal(shape, sut.Shape);
        Assert.Equal([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123], sut.Values);
    }

    public static TheoryData<string, byte[], float[]> Dtypes => new()
    {
        { "<f2", [0x00, 0x3C, 0x00, 0xC0], [1, -2] },
        { ">f2", [0x3C, 0x00, 0xC0, 0x00], [1, -2] },
        { ">f4", [0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0], [1, -2] },
        { "<f8", [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0], [1, -2] },
        { ">f8", [0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0], [1, -2] },
        { "|u1", [1, 255], [1, 255] },
        { "<u1", [1, 255], [1, 255] },
        { "u1", [1, 255], [1, 255] },
        { "|i1", [1, 255], [1, -1] },
        { "|b1", [1, 0], [1, 0] },
        { "<u2", [1, 0, 0xFF, 0xFF], [1, 65535] },
        { ">i2", [0, 1, 0xFF, 0xFE], [1, -2] },
        { "<i4", [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF], [1, -2] },
        { ">u4", [0, 0, 0, 1, 0, 0, 1, 0], [1, 256] },
        { "<i8", [1, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [1, -2] },
        { ">u8", [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 256] },
    };

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Read_EveryPlainDtype_GivesItsNumbers(string descr, byte[] data, float[] expected)
    {
        TensorPayload sut = NpyFormat.Read(
            File($"{{'fortran_order': False, 'shape': (2,), 'descr': '{descr}'}}", data: data), out NpyHeader header);

        Assert.Equal(expected, sut.Values);
        Assert.Equal(descr.EndsWith("u1", StringComparison.Ordinal), header.Dtype.IsUint8);
    }

    [Theory]
    [InlineData("{'descr': '=f4', 'fortran_order': False, 'shape': (6,)}", "byte order")]
    [InlineData("{'descr': 'f4', 'fortran_order': False, 'shape': (6,)}", "byte order")]
    [InlineData("{'descr': '|f4', 'fortran_order': False, 'shape': (6,)}", "byte order")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", "not supported")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "not supported")]
    [InlineData("{'descr': '<f16', 'fortran_order': False, 'shape': (3,)}", "not supported")]
    [InlineData("{'descr': '', 'fortran_order': False, 'shape': (3,)}", "not supported")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", "structured")]
    [InlineData("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (3,)}", "structured")]
    [InlineData("{'descr': '<f4', 'fortran_order': false, 'shape': (6,)}", "neither True nor False")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", "neither True nor False")]
    [InlineData("{'descr': '<f4', 'fortran_order': Truely, 'shape': (6,)}", "neither True nor False")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (6)}", "not a tuple")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': 6}", "'(' is expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': [6]}", "'(' is expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", "no tuple")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", "32-bit")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (0x6,)}", "no tuple")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (06,)}", "32-bit")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "32-bit")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000, 2000000000, 2000000000)}", "overflows")]
    [InlineData("{'descr': '<f4', 'shape': (6,)}", "lacks 'fortran_order'")]
    [InlineData("{'fortran_order': False, 'shape': (6,)}", "lacks 'descr'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", "lacks 'shape'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}", "unknown key 'more'")]
    [InlineData("{'descr': '>f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", "twice")]
    [InlineData("{'descr': '<f4' 'fortran_order': False, 'shape': (6,)}", "is expected")]
    [InlineData("{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (6,)}", "escapes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} # note", "end of the header")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)", "ends where")]
    [InlineData("", "ends where")]
    [InlineData("{'descr': '<f4", "end of a string")]
    public void Read_WhatNumpyWouldNotWrite_IsRefusedWithTheReason(string header, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => NpyFormat.Read(File(header))).Message);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(1, 1)]
    public void Read_UnknownVersion_IsRefused(byte major, byte minor) =>
        Assert.Contains("version", Assert.Throws<FormatException>(
            () => NpyFormat.Read(File("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", major, minor))).Message);

    [Fact]
    public void Read_IntegerThatFloat32CannotHold_IsRefused() =>
        Assert.Contains("16777217", Assert.Throws<FormatException>(
            () => NpyFormat.Read(
                File("{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", data: BitConverter.GetBytes(16_777_217)))).Message);

    [Fact]
    public void Read_BooleanThatIsNone_IsRefused() =>
        Assert.Contains("boolean", Assert.Throws<FormatException>(
            () => NpyFormat.Read(File("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", data: [2]))).Message);

    [Theory]
    [InlineData(new int[] { })]
    [InlineData(new[] { 3 })]
    [InlineData(new[] { 0, 5 })]
    [InlineData(new[] { 2, 1, 2, 2 })]
    public void Write_ThenRead_GivesTheSameTensor(int[] shape)
    {
        var tensor = new TensorPayload(shape, [.. Enumerable.Range(1, (int)TensorPayload.ElementCount(shape)).Select(i => i / 3f)]);

        TensorPayload sut = NpyFormat.Read(NpyFormat.Write(tensor));

        Assert.Equal(shape, sut.Shape);
        Assert.Equal(tensor.Values, sut.Values);
    }
}
