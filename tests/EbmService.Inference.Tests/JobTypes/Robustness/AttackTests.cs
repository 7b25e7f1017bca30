using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Core.Rows;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.JobTypes.Robustness;
using EbmService.Inference.Tests.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Robustness;

/// <summary>Attacks against classifiers whose smallest adversarial examples are known, and what holds of every example.</summary>
public sealed class AttackTests
{
    private const int Rows = 40;
    private static readonly float[] s_weight = [1.5f, -0.25f, 0.75f, -2, 0.1f];
    private static readonly InputSchema s_wide = new(InputKind.Vector, [5], -10, 10);

    public AttackTests() => set_num_threads(1);

    [Theory]
    [InlineData(AttackMethod.Fgsm, AttackNorm.Linf)]
    [InlineData(AttackMethod.Fgsm, AttackNorm.L2)]
    [InlineData(AttackMethod.Pgd, AttackNorm.Linf)]
    [InlineData(AttackMethod.Pgd, AttackNorm.L2)]
    public void LinearClassifier_Attacked_IsFooledExactlyAboveTheClosedForm(AttackMethod method, AttackNorm norm)
    {
        using var model = new LinearClassifier(s_weight, 0.3f);
        float[] rows = Points(Rows, 5, 3);
        int[] labels = [.. rows.Chunk(5).Select(row => model.Margin(row) > 0 ? 1 : 0)];
        double[] radii = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
        // The dual norm: of signs the sum, of directions the length.
        double dual = norm == AttackNorm.Linf ? s_weight.Sum(value => (double)Math.Abs(value)) : Math.Sqrt(s_weight.Sum(value => (double)value * value));

        AttackRecord sut = Attack(Spec(method, norm, radii), model, null, s_wide, rows, labels)[AttackCurve.Direct];

        for (int row = 0; row < Rows; row++)
        {
            double least = Math.Abs(model.Margin(rows.AsSpan(row * 5, 5))) / dual / 20;
            // Rows within the rounding of a radius could fall on either side; there are none here.
            Assert.DoesNotContain(radii, radius => Math.Abs(radius / least - 1) < 1e-4);
            Assert.Equal(radii.Count(radius => radius < least), sut.FooledAt[row]);
        }
        Assert.True(sut.FooledAt.Distinct().Count() >= 4, "the radii tell rows apart");
    }

    [Theory]
    [InlineData(AttackNorm.Linf)]
    [InlineData(AttackNorm.L2)]
    public void Examples_OfANetwork_StayWithinRadiusAndRange_AndFoolIt(AttackNorm norm)
    {
        (IEnergyModel model, _) = EnergyCases.Create("conv-jem");
        using IEnergyModel owned = model;
        var input = new InputSchema(InputKind.Image, EnergyCases.Describe("conv-jem").Input.Shape, -1, 1);
        int length = input.Length();
        float[] rows = [.. Points(Rows, length, 0.9).Select(value => Math.Clamp(value, -1, 1))];
        int[] labels = Predict(model, input, rows);
        double[] radii = norm == AttackNorm.Linf ? [0.002, 0.01, 0.05, 0.2] : [0.02, 0.1, 0.5, 2];

        RobustnessSpec spec = Spec(AttackMethod.Pgd, norm, radii) with { RandomStart = true, Restarts = 2, Steps = 8, StepSize = 0.3 };
        AttackRecord sut = Attack(spec, model, null, input, rows, labels)[AttackCurve.Direct];

        int[] predicted = Predict(model, input, sut.Points);
        for (int row = 0; row < Rows; row++)
        {
            ReadOnlySpan<float> point = sut.PointOf(row), original = rows.AsSpan(row * length, length);
            double radius = 2 * radii[Math.Min(sut.FooledAt[row], radii.Length - 1)], largest = 0, squares = 0;
            for (int i = 0; i < length; i++)
            {
                Assert.InRange(point[i], -1, 1);
                largest = Math.Max(largest, Math.Abs(point[i] - original[i]));
                squares += Math.Pow(point[i] - original[i], 2);
            }
            double distance = norm == AttackNorm.Linf ? largest : Math.Sqrt(squares);
            Assert.InRange(distance, 0, radius * (1 + 1e-5));
            Assert.Equal(distance, sut.Distances[row], 1e-5);
            Assert.Equal(sut.FooledAt[row] < radii.Length, predicted[row] != labels[row]);
            Assert.Equal(sut.Attacked[row], predicted[row]);
        }
        Assert.Contains(sut.FooledAt, at => at < radii.Length);
    }

    [Fact]
    public void Rows_InAnyBlock_GiveTheSameBits()
    {
        (IEnergyModel model, _) = EnergyCases.Create("conv-jem");
        using IEnergyModel owned = model;
        var input = new InputSchema(InputKind.Image, EnergyCases.Describe("conv-jem").Input.Shape, -1, 1);
        int length = input.Length();
        float[] rows = [.. Points(Rows, length, 0.9).Select(value => Math.Clamp(value, -1, 1))];
        int[] labels = Predict(model, input, rows);
        RobustnessSpec spec = Spec(AttackMethod.Pgd, AttackNorm.Linf, [0.01, 0.05]) with
        {
            RandomStart = true, Steps = 5, Refinement = new RefinementSpec(new() { Steps = 2, StepSize = 0.05, Noise = 0.02 }, 2, RefinementGradient.ThroughChain),
        };

        IReadOnlyDictionary<AttackCurve, AttackRecord> whole = Attack(spec, model, null, input, rows, labels);
        IReadOnlyDictionary<AttackCurve, AttackRecord> part = Attack(spec, model, null, input, rows[(17 * length)..], labels[17..], offset: 17);

        foreach (AttackCurve curve in spec.Curves)
        {
            Assert.Equal(whole[curve].FooledAt[17..], part[curve].FooledAt);
            Assert.Equal(whole[curve].Points[(17 * length)..], part[curve].Points);
        }
    }

    [Fact]
    public void Transfer_FromTheModelItself_FoolsAsTheDirectAttack()
    {
        using var model = new LinearClassifier(s_weight, 0.3f);
        using var other = new LinearClassifier([.. s_weight.Select(value => -value)], -0.3f);
        float[] rows = Points(Rows, 5, 3);
        int[] labels = [.. rows.Chunk(5).Select(row => model.Margin(row) > 0 ? 1 : 0)];
        RobustnessSpec spec = Spec(AttackMethod.Pgd, AttackNorm.L2, [0.01, 0.05, 0.1]) with { Transfer = true };

        IReadOnlyDictionary<AttackCurve, AttackRecord> same = Attack(spec, model, model, s_wide, rows, labels);
        IReadOnlyDictionary<AttackCurve, AttackRecord> opposite = Attack(spec, model, other, s_wide, rows, labels);

        Assert.Equal(same[AttackCurve.Direct].FooledAt, same[AttackCurve.Transfer].FooledAt);
        Assert.Equal(same[AttackCurve.Direct].FooledAt, same[AttackCurve.Source].FooledAt);
        // The source is wrong about every row, and its gradient leads away from the model's border.
        Assert.All(opposite[AttackCurve.Source].FooledAt, at => Assert.Equal(AttackRecord.CleanWrong, at));
        Assert.All(opposite[AttackCurve.Transfer].FooledAt, at => Assert.Equal(3, at));
    }

    [Fact]
    public void RandomStarts_OfABall_AreUniformInItsVolume()
    {
        var row = new float[2];
        var distances = new double[4000];
        using var generator = new Generator(7UL);
        var sut = new AttackBall(AttackNorm.L2, new InputSchema(InputKind.Vector, [2], -10, 10));
        for (int i = 0; i < distances.Length; i++)
        {
            var point = new float[2];
            sut.Start(row, 3, generator, point);
            distances[i] = sut.Distance(row, point);
        }

        Assert.All(distances, distance => Assert.InRange(distance, 0, 3.00001));
        // Within r lies (r / 3)^2 of a disc.
        Assert.Equal(0.25, distances.Count(distance => distance < 1.5) / (double)distances.Length, 0.03);
        Assert.Equal(2.0, distances.Average(), 0.04);
    }

    internal static RobustnessSpec Spec(AttackMethod method, AttackNorm norm, double[] radii) => new()
    {
        Rows = new RowsSpec { Count = 1, Sha256 = "", File = "" }, Method = method, Norm = norm, Radii = radii, Steps = method == AttackMethod.Fgsm ? 1 : 10,
        StepSize = method == AttackMethod.Fgsm ? 1 : 0.25, Restarts = 1, RandomStart = false, Seed = 4, BlockSize = 64, Transfer = false,
    };

    internal static IReadOnlyDictionary<AttackCurve, AttackRecord> Attack(
        RobustnessSpec spec, IEnergyModel model, IEnergyModel? source, InputSchema input, float[] rows, int[] labels, int offset = 0)
    {
        var block = new BlockPlan(0, offset, labels.Length, labels.Length * spec.Curves.Count);
        using var workload = new RobustnessWorkload(spec, block, model, source, input, CPU, rows, labels, null);
        Assert.True(workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Done);
        SafetensorsFile file = SafetensorsFile.Read(workload.Finish());
        return spec.Curves.ToDictionary(curve => curve, curve => AttackRecord.Read(curve, file, labels.Length, input.Length()));
    }

    private static int[] Predict(IEnergyModel model, InputSchema input, float[] rows) =>
        [.. model.Logits(tensor(rows, [rows.Length / input.Length(), .. input.Shape.Select(size => (long)size)]))!.argmax(1).data<long>().ToArray().Select(label => (int)label)];

    private static float[] Points(int rows, int length, double size) => [.. Enumerable.Range(0, rows * length).Select(i => (float)(size * Math.Sin(2 + 11.3 * i)))];
}
