using EbmService.Core.Sampling;
using EbmService.Inference.Imaging;

namespace EbmService.Cli.Plots;

/// <summary>Draws step size, noise and temperature over the steps of a spec.</summary>
internal static class SchedulePlot
{
    private const int Points = 400;

    // From this ratio on the small end of a linear axis can't be read.
    private const double LogFrom = 30;

    public static byte[] Render(SamplingSpec spec, string title)
    {
        SgldRecipe recipe = spec.ToRecipe();
        double[] steps = [.. Enumerable.Range(0, Math.Min(Points, spec.Steps))
            .Select(i => (double)((long)i * (spec.Steps - 1) / Math.Max(1, Math.Min(Points, spec.Steps) - 1)))];
        LinePlot Panel(string text, string label, string name, Func<int, double> value, int color)
        {
            double[] values = [.. steps.Select(step => value((int)step))];
            double[] positive = [.. values.Where(one => one > 0)];
            return new LinePlot(text, "step", label, [new(name, steps, values) { Color = color }])
            {
                // A constant's own hull says nothing.
                YRange = values.Max() == values.Min() && values[0] > 0 ? (0, 2 * values[0]) : null,
                Height = 220, LogY = positive.Length == values.Length && positive.Max() > LogFrom * positive.Min(),
            };
        }

        LinePlot Temperature(string text) => Panel(text, "temperature T", "T", at => recipe.TemperatureAt(at, spec.Horizon) ?? 0, 2);
        // Moves between values of a variable have no size, and a momentum no noise per step: their temperature is given.
        if (spec.Kernel.IsDiscrete())
            return PlotRenderer.RenderStack([Temperature(title)]);
        if (spec.Kernel is SamplingKernel.Hmc or SamplingKernel.Underdamped)
        {
            return PlotRenderer.RenderStack(
                [Panel(title, "step size of the leapfrog", "a", at => recipe.StepSizeAt(at, spec.Horizon), 0), Temperature("")]);
        }
        return PlotRenderer.RenderStack(
        [
            Panel(title, "step size a", "a", at => recipe.StepSizeAt(at, spec.Horizon), 0),
            Panel("", "noise s", "s", at => recipe.NoiseAt(at, spec.Horizon), 1),
            Panel("", "temperature T = s^2 / (2a)", "T", at => recipe.ImpliedTemperatureAt(at, spec.Horizon), 2),
        ]);
    }
}
