namespace EbmService.Inference.Diagnostics;

/// <summary>
/// The estimated Bayesian fraction of missing information (Betancourt 2016): the mean squared change of the energy from draw to
/// draw over the energy's variance; below about 0.3 momenta resample the energy too slowly. ArviZ's <c>bfmi</c>. For kernels
/// with momenta the energy is the Hamiltonian.
/// </summary>
public static class Ebfmi
{
    /// <summary>One value per chain; null for fewer than 2 draws, draws that are not finite, and energies that don't change.</summary>
    public static double?[] Of(ChainDraws energies)
    {
        var accumulator = new EbfmiAccumulator(energies.Chains);
        for (int draw = 0; draw < energies.Draws; draw++)
            accumulator.Add(energies.Values.Slice(draw * energies.Chains, energies.Chains));
        return accumulator.Values();
    }
}
