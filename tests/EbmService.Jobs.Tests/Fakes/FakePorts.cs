using EbmService.Core.Datasets;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;

namespace EbmService.Jobs.Tests.Fakes;

internal sealed class FakeDevice : IComputeDevice
{
    public int Bindings;

    public Action<int>? OnBind { get; set; }

    public DeviceInfo Info { get; } = new("cpu", 2, "fake");

    public void BindSlotThread()
    {
        int count = Interlocked.Increment(ref Bindings);
        OnBind?.Invoke(count);
    }
}

internal sealed class FakeWarmUp : IModelWarmUp
{
    public int Calls;

    /// <value>Called on each slot's thread with the number of calls so far.</value>
    public Action<int, Func<bool>>? OnWarmUp { get; set; }

    public void WarmUp(Func<bool> isStopping) => OnWarmUp?.Invoke(Interlocked.Increment(ref Calls), isStopping);
}

internal sealed class FakeAssembler : IResultAssembler
{
    public Exception? Throws { get; set; }

    /// <value>Called before the files are made; may throw.</value>
    public Action? OnAssemble { get; set; }

    public string FileName { get; set; } = "samples.txt";

    /// <value>What the job fails with although its files are kept.</value>
    public Failure? Fails { get; set; }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        OnAssemble?.Invoke();
        if (Throws is not null)
            throw Throws;
        files.Write(FileName, "text/plain", stream =>
        {
            foreach (BlockResult block in blocks)
                stream.Write(block.Read().Span);
        });
        return Fails;
    }
}

internal sealed class FakeEvaluator : IQueryEvaluator
{
    public Func<IReadOnlyList<ModelQuery>, IReadOnlyList<Outcome<QueryAnswer>>> OnEvaluate { get; set; } =
        queries => [.. queries.Select(query => Answer(query))];

    public List<int> Batches { get; } = [];

    public static Outcome<QueryAnswer> Answer(ModelQuery query) => new QueryAnswer { Energies = [.. query.Inputs.Values] };

    public IReadOnlyList<Outcome<QueryAnswer>> Evaluate(IReadOnlyList<ModelQuery> queries)
    {
        lock (Batches)
            Batches.Add(queries.Count);
        return OnEvaluate(queries);
    }
}

/// <summary>Every model is here, with the digest that tests give it, until a test says otherwise.</summary>
internal sealed class FakeModels : IModelCatalog
{
    /// <value>Energies of a calibration.</value>
    public IReadOnlyList<(double, double)> References { get; set; } = [];

    /// <value>Why models are away; null while they are here.</value>
    public string? Away { get; set; }

    /// <value>What a look for models finds.</value>
    public Action? OnRefresh { get; set; }

    public IReadOnlyList<HostedModel> List() => [];

    public Outcome<HostedModel> Find(string name, string? version = null) => Away is { } reason
        ? new Failure(FailureCode.ModelUnavailable, reason)
        : new HostedModel { Key = new(name, version ?? "1"), State = ModelState.Ready, Digest = "sha256:00", ReferenceEnergies = References };

    public void Refresh() => OnRefresh?.Invoke();

    /// <summary>What a workload factory does whose model is away.</summary>
    public void ThrowIfAway()
    {
        if (Away is { } reason)
            throw new FailureException(new Failure(FailureCode.ModelUnavailable, reason));
    }
}

/// <summary>Takes every byte as a row of one number, and those of the labels as they are; refuses an empty file.</summary>
internal sealed class FakeConverter : IDatasetConverter
{
    public Outcome<DatasetContent> Convert(Stream rows, Stream? labels, DatasetLimits limits, Stream rowsTo, Stream labelsTo)
    {
        rows.Position = 0;
        rows.CopyTo(rowsTo);
        labels?.CopyTo(labelsTo);
        return rowsTo.Length == 0
            ? Failure.OfFields([new FieldError("rows", "The file is empty.")])
            : new DatasetContent((int)rowsTo.Length, [1], Dataset.Uint8, 0, 255, false, labels is null ? null : new Dictionary<int, int> { [0] = (int)rowsTo.Length });
    }

    public byte[]? Draw(Dataset dataset, Stream rows, int most) => null;
}
