using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace EbmService.Client.Tests.Arrays;

public sealed class NpyArrayTests
{
    public static TheoryData<string, Type, byte[]> Kinds => new()
    {
        { "<f4", typeof(float), Bytes(1f, -2f, 3f, 4f, 5f, 6f) },
        { "<f8", typeof(double), Bytes(1.0, -2.0, 3.0, 4.0, 5.0, 6.0) },
        { "<i4", typeof(int), Bytes(1, -2, 3, 4, 5, 6) },
        { "<i8", typeof(long), Bytes(1L, -2L, 3L, 4L, 5L, 6L) },
        { "|u1", typeof(byte), [1, 254, 3, 4, 5, 6] },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_EachKind_KeepsNumbersAndShape(string descr, Type type, byte[] data)
    {
        NpyArray sut = NpyArray.Read(File(descr, "(2, 3)", data));

        Assert.Equal(type, sut.ElementType);
        Assert.Equal([2, 3], sut.Shape);
        Assert.Equal(6, sut.Length);
        Assert.Equal([1, type == typeof(byte) ? 254 : -2, 3, 4, 5, 6], sut.ToSingles());
        Assert.Equal([1, type == typeof(byte) ? 254 : -2, 3, 4, 5, 6], sut.ToDoubles());
    }

    [Theory]
    [InlineData("()", 1, 0)]
    [InlineData("(1,)", 1, 1)]
    [InlineData("(0, 5)", 0, 2)]
    [InlineData("(1, 1, 2, 1)", 2, 4)]
    public void Read_AnyShape_IsRead(string shape, int count, int dimensions)
    {
        NpyArray sut = NpyArray.Read(File("<f8", shape, new byte[8 * count]));

        Assert.Equal((count, dimensions), (sut.AsSpan<double>().Length, sut.Shape.Count));
    }

    [Fact]
    public void AsSpan_OfAnotherType_SaysWhichItIs() => Assert.Contains("Double",
        Assert.Throws<InvalidOperationException>(() => NpyArray.Read(File("<f8", "(1,)", new byte[8])).AsSpan<float>().Length).Message);

    [Fact]
    public void Read_LongsBeyondFloat_AreNotCut() =>
        Assert.Equal([long.MaxValue], NpyArray.Read(File("<i8", "(1,)", Bytes(long.MaxValue))).AsSpan<long>().ToArray());

    [Theory]
    [InlineData(">f4", "(1,)", 4, "big-endian")]
    [InlineData("<f2", "(1,)", 2, "f4, f8, i4, i8 and u1")]
    [InlineData("<f4", "(2,)", 4, "2 elements of 4 bytes, but 4 bytes follow")]
    [InlineData("<f4", "(1,)", 5, "1 elements of 4 bytes, but 5 bytes follow")]
    public void Read_WhatItDoesNotRead_SaysWhy(string descr, string shape, int bytes, string words) =>
        Assert.Contains(words, Assert.Throws<FormatException>(() => NpyArray.Read(File(descr, shape, new byte[bytes]))).Message);

    [Fact]
    public void Read_FortranOrder_IsRefusedUnlessItIsTheSame()
    {
        Assert.Equal(2, NpyArray.Read(File("<f4", "(2, 1)", new byte[8], fortran: true)).Length);
        Assert.Contains("C order",
            Assert.Throws<FormatException>(() => NpyArray.Read(File("<f4", "(2, 2)", new byte[16], fortran: true))).Message);
    }

    [Fact]
    public void Read_NoNpy_SaysSo() => Assert.Contains("not a .npy file", Assert.Throws<FormatException>(() => NpyArray.Read("hello"u8.ToArray())).Message);

    private static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static byte[] File(string descr, string shape, byte[] data, bool fortran = false)
    {
        string header = $"{{'descr': '{descr}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': {shape}, }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data];
    }
}
