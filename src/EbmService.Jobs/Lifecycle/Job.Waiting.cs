namespace EbmService.Jobs.Lifecycle;

internal sealed partial class Job
{
    /// <summary>
    /// The blocks that wait for a slot, parked ones before fresh ones. Every change takes the same time however many they are: a job
    /// may have tens of thousands. Guarded by the job's lock.
    /// </summary>
    private sealed class WaitingBlocks
    {
        private readonly LinkedList<Block> _parked = [];
        private readonly LinkedList<Block> _fresh = [];

        public WaitingBlocks(IEnumerable<Block> fresh)
        {
            foreach (Block block in fresh)
                _fresh.AddLast(block.Place);
        }

        /// <value>The next one; null where none waits.</value>
        public Block? First => (_parked.First ?? _fresh.First)?.Value;

        public IEnumerable<Block> All => _parked.Concat(_fresh);

        /// <value>Memory of the parked ones' checkpoints that are not on disk.</value>
        public long ParkedBytes { get; private set; }

        /// <summary>A parked block is the next one again.</summary>
        public void Return(Block block)
        {
            _parked.AddFirst(block.Place);
            Count(block, block.Checkpoint?.Length ?? 0);
        }

        /// <summary>A block takes a new place: a parked one behind the other parked ones, another before the fresh ones.</summary>
        public void Requeue(Block block)
        {
            Remove(block);
            if (block.State == BlockState.Parked)
                _parked.AddLast(block.Place);
            else
                _fresh.AddFirst(block.Place);
            Count(block, block.Checkpoint?.Length ?? 0);
        }

        public void Remove(Block block)
        {
            block.Place.List?.Remove(block.Place);
            Count(block, 0);
        }

        /// <summary>The block's checkpoint is on disk and leaves the memory.</summary>
        public void Written(Block block) => Count(block, 0);

        /// <summary>Nothing is kept of the fresh ones.</summary>
        public void DropFresh()
        {
            foreach (Block block in _fresh)
                block.State = BlockState.Dropped;
            _fresh.Clear();
        }

        public void Clear()
        {
            foreach (Block block in _parked)
                Count(block, 0);
            _parked.Clear();
            _fresh.Clear();
        }

        private void Count(Block block, int bytes)
        {
            ParkedBytes += bytes - block.CountedBytes;
            block.CountedBytes = bytes;
        }
    }
}
