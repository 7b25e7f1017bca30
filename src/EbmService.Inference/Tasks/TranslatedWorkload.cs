using EbmService.Core.Jobs;
using EbmService.Inference.Devices;

namespace EbmService.Inference.Tasks;

/// <summary>A workload whose native failures are translated.</summary>
internal sealed class TranslatedWorkload(IWorkload inner) : IWorkload
{
    public StepReport Advance(QuantumBudget budget) => NativeFailures.Translate(() => inner.Advance(budget));

    public byte[] Save() => NativeFailures.Translate(inner.Save);

    public byte[] Finish() => NativeFailures.Translate(inner.Finish);

    public void Dispose() => inner.Dispose();
}
