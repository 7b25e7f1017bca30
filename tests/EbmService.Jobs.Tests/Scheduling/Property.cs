using System.Globalization;
using Xunit.Sdk;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>Checks over seeded random cases; a failure names the seed and the case, which is all it takes to see it again.</summary>
internal static class Property
{
    public static void ForAll<T>(int cases, Func<Random, T> make, Action<T, Random> check)
    {
        for (int seed = 0; seed < cases; seed++)
        {
            var random = new Random(seed);
            T made = make(random);
            try
            {
                check(made, random);
            }
            catch (Exception e)
            {
                throw new XunitException(string.Create(CultureInfo.InvariantCulture, $"seed {seed}, case {made}: {e.Message}"), e);
            }
        }
    }
}
