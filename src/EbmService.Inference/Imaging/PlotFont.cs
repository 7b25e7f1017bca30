using System.Reflection;
using System.Text;
using ScottPlot;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>
/// Inter (SIL Open Font License) for all texts of plots, out of the package Avalonia.Fonts.Inter, which is embedded whole: pictures look
/// the same everywhere, and Skia's build without dependencies finds no fonts of the system.
/// </summary>
internal sealed class PlotFont : IFontResolver
{
    public const string Name = "Inter";

    private const string Package = "Avalonia.Fonts.Inter.dll";
    private const string Bundle = "!AvaloniaResources";

    private readonly SKTypeface _regular;
    private readonly SKTypeface _bold;

    private PlotFont()
    {
        using Stream package = typeof(PlotFont).Assembly.GetManifestResourceStream(Package)!;
        var bytes = new byte[package.Length];
        package.ReadExactly(bytes);
        // No type of it is used, so that what it refers to need not be there.
        using Stream bundle = Assembly.Load(bytes).GetManifestResourceStream(Bundle)!;
        _regular = Read(bundle, "/Assets/Inter-Regular.ttf");
        _bold = Read(bundle, "/Assets/Inter-SemiBold.ttf");
    }

    /// <summary>Makes Inter the font of every plot of this process. Thread-safe.</summary>
    public static void Use() => _ = Installed.Value;

    private static readonly Lazy<bool> Installed = new(() =>
    {
        Fonts.FontResolvers.Insert(0, new PlotFont());
        Fonts.Default = Fonts.Sans = Fonts.Serif = Fonts.Monospace = Name;
        return true;
    });

    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        CreateTypeface(fontName, weight >= FontWeight.SemiBold, slant != FontSlant.Upright);

    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName != Name ? null : bold ? _bold : _regular;

    // Length of the index, version, count, then (path, offset, size) of each file; offsets count from the end of the index.
    private static SKTypeface Read(Stream bundle, string path)
    {
        bundle.Position = 0;
        using var reader = new BinaryReader(bundle, Encoding.UTF8, leaveOpen: true);
        int start = sizeof(int) + reader.ReadInt32();
        reader.ReadInt32();
        for (int left = reader.ReadInt32(); left > 0; left--)
        {
            (string name, int offset, int size) = (reader.ReadString(), reader.ReadInt32(), reader.ReadInt32());
            if (name != path)
                continue;
            bundle.Position = start + offset;
            using SKData data = SKData.CreateCopy(reader.ReadBytes(size));
            return SKTypeface.FromData(data);
        }
        throw new InvalidOperationException($"the package {Package} has no {path}");
    }
}
