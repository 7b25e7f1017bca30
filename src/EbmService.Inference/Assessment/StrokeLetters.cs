using System.Globalization;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Capital letters that are no digits, drawn by a pen: of the stroke width, size and slant of handwritten digits, so that little but the shape tells them from digits.</summary>
internal static class StrokeLetters
{
    /// <summary>The smallest picture that a letter fits in.</summary>
    public const int LeastSide = 16;

    // Lines of points x,y in a unit box, y downwards. I, O, S and Z look like digits and are left out, Q like a nine.
    private static readonly string[] s_letters =
    [
        "0,1 .5,0 1,1|.2,.6 .8,.6", "1,0 0,0 0,1 1,1|0,.5 .8,.5", "1,0 0,0 0,1|0,.5 .8,.5", "0,0 0,1|1,0 1,1|0,.5 1,.5", "0,0 0,1|1,0 0,.5 1,1",
        "0,0 0,1 1,1", "0,1 0,0 .5,.6 1,0 1,1", "0,1 0,0 1,1 1,0", "0,1 0,0 .8,0 1,.15 1,.35 .8,.5 0,.5", "0,1 0,0 .8,0 1,.15 1,.35 .8,.5 0,.5|.4,.5 1,1",
        "0,0 1,0|.5,0 .5,1", "0,0 0,.75 .25,1 .75,1 1,.75 1,0", "0,0 .5,1 1,0", "0,0 .25,1 .5,.4 .75,1 1,0", "0,0 1,1|1,0 0,1", "0,0 .5,.5 1,0|.5,.5 .5,1",
        "0,0 0,1 .8,1 1,.85 1,.65 .8,.5 0,.5|.8,.5 .95,.35 .95,.15 .8,0 0,0", "1,.2 .75,0 .25,0 0,.25 0,.75 .25,1 .75,1 1,.8", "0,0 0,1 .6,1 1,.7 1,.3 .6,0 0,0",
        "1,.2 .75,0 .25,0 0,.25 0,.75 .25,1 .75,1 1,.8 1,.55 .6,.55", "1,0 1,.75 .75,1 .25,1 0,.75",
    ];

    /// <returns>(count, ...input), every channel the same.</returns>
    public static TensorPayload Draw(InputSchema input, int count, int seed)
    {
        int channels = input.Shape[0], height = input.Shape[1], width = input.Shape[2];
        var random = new Random(seed);
        var values = new float[count * input.Length()];
        var ink = new double[height * width];
        for (int i = 0; i < count; i++)
        {
            Array.Clear(ink);
            Draw(s_letters[i % s_letters.Length], random, ink, height, width);
            for (int channel = 0; channel < channels; channel++)
            {
                for (int at = 0; at < ink.Length; at++)
                    values[(i * channels + channel) * ink.Length + at] = (float)(input.Min + (input.Max - input.Min) * ink[at]);
            }
        }
        return new TensorPayload([count, .. input.Shape], values);
    }

    private static void Draw(string letter, Random random, double[] ink, int height, int width)
    {
        double scale = Math.Min(height, width) / 28.0;
        double tall = Between(17, 20) * scale, wide = Between(11, 15) * scale, thick = Between(1, 1.7) * scale, slant = Between(-0.1, 0.25);
        foreach (string line in letter.Split('|'))
        {
            (double X, double Y)[] points = [.. line.Split(' ').Select(point =>
            {
                double[] at = [.. point.Split(',').Select(part => double.Parse(part, CultureInfo.InvariantCulture))];
                return ((at[0] - 0.5) * wide - (at[1] - 0.5) * slant * tall + (width - 1) / 2.0 + Between(-0.8, 0.8) * scale,
                    (at[1] - 0.5) * tall + (height - 1) / 2.0 + Between(-0.8, 0.8) * scale);
            })];
            foreach (((double X, double Y) from, (double X, double Y) to) in points.Zip(points.Skip(1)))
                Stroke(from, to, thick, ink, height, width);
        }

        double Between(double low, double high) => low + (high - low) * random.NextDouble();
    }

    private static void Stroke((double X, double Y) from, (double X, double Y) to, double thick, double[] ink, int height, int width)
    {
        (double dx, double dy) = (to.X - from.X, to.Y - from.Y);
        double squared = Math.Max(dx * dx + dy * dy, 1e-9);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double along = Math.Clamp(((x - from.X) * dx + (y - from.Y) * dy) / squared, 0, 1);
                (double ax, double ay) = (x - from.X - along * dx, y - from.Y - along * dy);
                double covered = Math.Clamp(thick + 0.5 - Math.Sqrt(ax * ax + ay * ay), 0, 1);
                ink[y * width + x] = Math.Max(ink[y * width + x], covered);
            }
        }
    }
}
