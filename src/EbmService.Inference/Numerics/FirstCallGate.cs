using System.Collections.Concurrent;

namespace EbmService.Inference.Numerics;

/// <summary>
/// Lets the first call of each signature run alone in the process and later ones pass freely. Thread-safe.
/// oneDNN chooses and compiles a kernel (a primitive) at the first call of its sizes and keeps it in a cache; two threads that choose at the same moment can
/// get another kernel than either alone, so other bits, or one that crashes (docs/adr/0009). A call whose primitives are in the cache chooses nothing.
/// </summary>
/// <param name="capacity">
/// Primitives after which everything is forgotten: fewer than oneDNN's cache holds, so that nothing counts as known that the cache may have evicted.
/// </param>
internal sealed class FirstCallGate(int capacity)
{
    private readonly Lock _first = new();
    private readonly ConcurrentDictionary<long[], bool> _known = new(new SignatureComparer());
    private int _primitives;

    /// <value>Signatures that pass freely now.</value>
    public int Known => _known.Count;

    /// <summary>Waits until no other first call runs, where this one is a first call. Dispose the answer after the call, on the same thread.</summary>
    /// <param name="signature">All that the choice of kernels depends on.</param>
    /// <param name="primitives">At most so many primitives does the call make.</param>
    public Passage Enter(ReadOnlySpan<long> signature, int primitives)
    {
        if (_known.GetAlternateLookup<ReadOnlySpan<long>>().ContainsKey(signature))
            return default;
        _first.Enter();
        return new Passage(this, signature, primitives);
    }

    private void Leave(ReadOnlySpan<long> signature, int primitives, bool succeeded)
    {
        if (succeeded)
        {
            _primitives += primitives;
            if (_primitives > capacity)
            {
                _known.Clear();
                _primitives = primitives;
            }
            _known[signature.ToArray()] = true;
        }
        _first.Exit();
    }

    /// <summary>One call's way through the gate.</summary>
    public ref struct Passage
    {
        private readonly FirstCallGate? _gate;
        private readonly ReadOnlySpan<long> _signature;
        private readonly int _primitives;
        private bool _succeeded;

        internal Passage(FirstCallGate gate, ReadOnlySpan<long> signature, int primitives)
        {
            _gate = gate;
            _signature = signature;
            _primitives = primitives;
        }

        /// <summary>The call succeeded with this; a call that throws stays unknown.</summary>
        public T Done<T>(T result)
        {
            _succeeded = true;
            return result;
        }

        public readonly void Dispose() => _gate?.Leave(_signature, _primitives, _succeeded);
    }

    private sealed class SignatureComparer : IEqualityComparer<long[]>, IAlternateEqualityComparer<ReadOnlySpan<long>, long[]>
    {
        public bool Equals(long[]? x, long[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(long[] signature) => GetHashCode(signature.AsSpan());

        public bool Equals(ReadOnlySpan<long> alternate, long[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<long> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(alternate));
            return hash.ToHashCode();
        }

        public long[] Create(ReadOnlySpan<long> alternate) => alternate.ToArray();
    }
}
