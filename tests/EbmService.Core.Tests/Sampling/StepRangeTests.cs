using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tests.Scoring;

namespace EbmService.Core.Tests.Sampling;

/// <summary>Jobs outside the steps that a long-run check found valid are told so.</summary>
public sealed class StepRangeTests
{
    private const string Recipe = SgldRecipes.Langevin;

    [Theory]
    [InlineData(100, true, null)]
    [InlineData(20, true, null)]
    [InlineData(300, true, null)]
    [InlineData(301, true, "beyond 300")]
    [InlineData(301, false, "beyond 300")]
    [InlineData(19, true, "fewer than 20")]
    [InlineData(19, false, null)]
    public void WarningOf_StepsOutsideTheRange_SaysWhy(int steps, bool fromBase, string? part)
    {
        string? warning = new StepRange(20, 300, 1000).WarningOf(steps, Recipe, fromBase);

        Assert.Equal(part is not null, warning is not null);
        Assert.Contains(part ?? "", warning ?? "", StringComparison.Ordinal);
    }

    // Nothing is known of more steps than were looked at.
    [Fact]
    public void WarningOf_ValidToTheEnd_KnowsNoUpperBound() => Assert.Null(new StepRange(1, 1000, 1000).WarningOf(5000, Recipe, fromBase: true));

    [Theory]
    [InlineData("{}", true)]
    [InlineData("recipe", true)]
    [InlineData("stepSize", false)]
    [InlineData("kernel", false)]
    [InlineData("other", false)]
    public async Task Accept_JobBeyondTheRange_HasAWarning(string kind, bool warned)
    {
        HostedModel model = ScoringCaller.Model(new InputSchema(InputKind.Vector, [2], -4, 4)) with
        {
            Manifest = new ModelVersionManifest
            {
                Version = "1", Files = new Dictionary<string, string>(),
                ValidSteps = new Dictionary<string, StepRange> { [kind == "other" ? "another" : Recipe] = new(20, 300, 1000) },
            },
        };
        var request = new SamplingRequest { Chains = 2, Steps = 400, Recipe = kind == "recipe" ? Recipe : null };
        request = kind switch
        {
            "stepSize" => request with { StepSize = 0.001 },
            "kernel" => request with { Kernel = SamplingKernel.Mala },
            _ => request,
        };
        var proposal = new JobProposal(request, [model], "cpu", new JobLimits(), new ScoringCaller(), _ => null, () => 1);

        AcceptedJob accepted = (await SamplingAcceptance.AcceptAsync(proposal, TestContext.Current.CancellationToken)).OrThrow();

        Assert.Equal(warned, accepted.Warnings.Any(warning => warning.StartsWith("spec.steps", StringComparison.Ordinal)));
    }
}
