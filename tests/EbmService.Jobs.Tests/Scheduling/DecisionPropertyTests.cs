using EbmService.Jobs.Scheduling;
using static EbmService.Jobs.Tests.Scheduling.Candidates;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>What holds of every decision, whatever it is taken from.</summary>
public sealed class DecisionPropertyTests
{
    private const int Cases = 1000;

    [Fact]
    public void Choose_AnyCandidates_IsWorkConserving() => Property.ForAll(Cases, Case.Random, (made, _) => made.AssertWorkConserving());

    [Fact]
    public void Choose_AnyCandidates_IsStrictInEffectivePriority() => Property.ForAll(Cases, Case.Random, (made, _) => made.AssertStrict());

    [Fact]
    public void Choose_AnyCandidates_ServesDeadlinesAtRiskFirstAmongEquals() =>
        Property.ForAll(Cases, Case.Random, (made, _) => made.AssertDeadlines());

    [Fact]
    public void Choose_AnyCandidates_DependsOnNothingButThem() => Property.ForAll(Cases, Case.Random, (made, random) =>
    {
        JobCandidate[] shuffled = [.. made.Jobs];
        random.Shuffle(shuffled);
        Assert.Equal(made.Decision, JobScheduler.Choose(shuffled, made.Slot));
    });

    [Fact]
    public void Compare_AnyCandidates_IsATotalOrder() => Property.ForAll(Cases, Case.Random, (made, _) =>
    {
        JobCandidate[] sorted = [.. made.Jobs];
        Array.Sort(sorted, (a, b) => JobScheduler.Compare(a, b, made.Slot));
        for (int i = 0; i < sorted.Length; i++)
            for (int j = 0; j < sorted.Length; j++)
                Assert.Equal(i.CompareTo(j), Math.Sign(JobScheduler.Compare(sorted[i], sorted[j], made.Slot)));
    });

    private static class Case
    {
        public static DecisionCase Random(Random random)
        {
            int places = random.Next(1, 5);
            var slot = new SlotView(places, 5, random.Next(3) > 0, random.Next(2) == 0 ? Model : null);
            List<JobCandidate> jobs = [];
            for (int i = 0, open = 0, count = random.Next(0, 14); i < count; i++)
            {
                bool here = open < places && random.Next(3) == 0;
                open += here ? 1 : 0;
                jobs.Add(new(i, RandomRank(random, i), random.Next(2) == 0 ? Model : new("other", "1"), random.Next(3) > 0, here, random.Next(10)));
            }
            return new([.. jobs], slot);
        }

        private static JobRank RandomRank(Random random, int order)
        {
            int priority = random.Next(-2, 3);
            int tenant = random.Next(3);
            bool isOverdue = random.Next(8) == 0;
            return Rank(
                order, priority, isOverdue ? JobPriority.Highest : priority + random.Next(0, 3), tenant, tenantTime: 10 * tenant % 20, time: random.Next(3),
                isOverdue ? random.Next(5) : Never, !isOverdue && random.Next(4) == 0 ? random.Next(5) : Never);
        }
    }
}
