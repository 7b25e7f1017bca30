using EbmService.Core.Models;
using EbmService.Inference.Assessment;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;
using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Assessment;

public sealed class LikelihoodAssessmentTests : IDisposable
{
    private readonly TestRepository _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("mlp")]
    [InlineData("torchscript/classifier")]
    public void Run_ModelWithoutAPath_IsRefusedBeforeAnyRowIsRead(string kind)
    {
        if (kind == "mlp")
            _files.AddMlp("m", "1");
        else
            TestModels.Write(_files.Root, "m", kind);
        LoadedModel model = _files.Open(allowTorchScript: true).Load(new ModelKey("m", "1")).OrThrow();

        var refused = Assert.Throws<InvalidModelException>(() => LikelihoodAssessment.Run(
            model, new Unread(), new Unread(), new LikelihoodSettings(), _ => { }, TestContext.Current.CancellationToken));

        Assert.Contains("no path", refused.Message);
    }

    private sealed class Unread : ITrainingData
    {
        public int Count => throw new InvalidOperationException("nobody needs to know");

        public int RowLength => throw new InvalidOperationException("nobody needs to know");

        public bool HasLabels => false;

        public void CopyRow(int index, Span<float> destination) => throw new InvalidOperationException("a row is read");

        public int Label(int index) => -1;
    }
}
