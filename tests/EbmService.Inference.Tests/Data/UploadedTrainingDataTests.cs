using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;
using EbmService.Inference.Training;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Tests.Data;

/// <summary>Uploaded datasets as rows to train on.</summary>
public sealed class UploadedTrainingDataTests
{
    private static readonly InputSchema Input = new(InputKind.Vector, [2], -3, 3);

    private readonly DataCatalog _sut = new(Options.Create(new DataOptions()), new OneDataset());

    [Fact]
    public void Read_UploadedName_GivesRowsAndLabels()
    {
        ITrainingData rows = _sut.Read("points", Input).Rows;
        var row = new float[2];
        rows.CopyRow(1, row);

        Assert.Equal((3, true, 1), (rows.Count, rows.HasLabels, rows.Label(1)));
        Assert.Equal([3, 4], row);
        Assert.True(_sut.Has("points"));
        Assert.Contains("points", _sut.Names());
    }

    [Fact]
    public void Read_OtherShape_IsRefused() => Assert.Throws<InvalidDatasetException>(() => _sut.Read("points", Input with { Shape = [3] }));

    [Fact]
    public void Read_MadeName_IsNotTheUploadedOne() => Assert.Null(_sut.Uploaded("two-moons"));

    /// <summary>Another tenant's datasets are not there, not even in the list of an error.</summary>
    [Fact]
    public void WhatACallerDoesNotSee_IsNotThere()
    {
        Assert.False(_sut.Has("points", NoDatasets.Instance));
        Assert.DoesNotContain("points", _sut.Names(NoDatasets.Instance));
        Assert.Throws<InvalidDatasetException>(() => _sut.Read("points", Input, NoDatasets.Instance));
    }

    /// <summary>A job that begins knows its rows by their content: whose name stood for them does not matter.</summary>
    [Fact]
    public void Read_ByContent_NeedsNoName()
    {
        string sha256 = _sut.Read("points", Input).Sha256;
        var begun = new DataCatalog(Options.Create(new DataOptions()), new OneDataset());

        Assert.Equal(3, begun.Read("a tenant's own name", Input, sha256, "rows", "labels").Count);
        Assert.Throws<InvalidDatasetException>(() => begun.Read("unknown", Input, "another", "rows", "labels"));
    }

    private sealed class OneDataset : IDatasets
    {
        private readonly Dataset _dataset = new("points", 3, [2], Dataset.Float32, 1, 6, false, "rows", 0)
        {
            LabelsSha256 = "labels", CreatedAt = default,
        };

        public IReadOnlyList<Dataset> List() => [_dataset];

        public Outcome<Dataset> Find(string name) => name is "points" or "two-moons" ? _dataset : NoDatasets.Instance.Find(name);

        public Stream Open(string sha256) => new MemoryStream(sha256 == "rows"
            ? NpyFormat.Write(new TensorPayload([3, 2], [1, 2, 3, 4, 5, 6]))
            : NpyFormat.Write(new TensorPayload([3, 1], [0, 1, 0])));
    }
}
