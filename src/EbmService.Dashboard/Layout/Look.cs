using MudBlazor;

namespace EbmService.Dashboard.Layout;

/// <summary>Colours and type of both themes; fonts are the system's own.</summary>
internal static class Look
{
    private static readonly string[] s_fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif"];

    /// <value>Of series in charts: colours that people with colour blindness tell apart, on light and dark ground.</value>
    internal static IReadOnlyList<string> Series { get; } =
        ["#4c6ef5", "#e8590c", "#0ca678", "#d6336c", "#ae8b00", "#15aabf", "#9c5cd6", "#74820a", "#e64980", "#868e96"];

    internal static string Colour(int index) => Series[index % Series.Count];

    internal static MudTheme Theme { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#3949ab", Secondary = "#00796b", Background = "#f5f6f9", Surface = "#ffffff", AppbarBackground = "#ffffff",
            AppbarText = "#1b2330", DrawerBackground = "#ffffff", DrawerText = "#38414f", DrawerIcon = "#5b6472", TextPrimary = "#1b2330",
            TextSecondary = "#5b6472", LinesDefault = "#e2e6ec", LinesInputs = "#b6bfcc", Error = "#c62f3b", Success = "#1b7f4d", Warning = "#a15c00",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#9fa8ff", Secondary = "#5fd3c0", Background = "#12161d", Surface = "#191f28", AppbarBackground = "#191f28",
            AppbarText = "#eef2f7", DrawerBackground = "#191f28", DrawerText = "#c8d0dc", DrawerIcon = "#9aa5b5", TextPrimary = "#eef2f7",
            TextSecondary = "#9aa5b5", LinesDefault = "#2a313c", LinesInputs = "#4a5565", Error = "#ff8087", Success = "#5fd39a", Warning = "#f0b45a",
            PrimaryContrastText = "#14182b",
        },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = s_fonts, FontSize = ".9rem" },
            Button = new ButtonTypography { FontFamily = s_fonts, TextTransform = "none", FontSize = ".875rem", FontWeight = "500" },
        },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "8px", AppbarHeight = "56px" },
    };
}
