using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Assessment;
using EbmService.Inference.Data;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Tests.Assessment;

public sealed class IndependentClassifierTests
{
    private static readonly InputSchema Input = new(InputKind.Image, [1, 12, 12], -1, 1);

    [Fact]
    public void Train_BarsOfTwoDirections_LearnsThemAndSurvivesSaving()
    {
        using var folder = new TemporaryFolder();
        ImageDataset images = Bars(256);
        var rows = new TensorPayload([images.Count, .. Input.Shape], images.ToFloats(Input));
        using IndependentClassifier sut = IndependentClassifier.Train(images, Input, 2, epochs: 50, seed: 1, null, TestContext.Current.CancellationToken);

        float[] probabilities = sut.Probabilities(rows);
        sut.Save(folder.File("judge.safetensors"));
        using IndependentClassifier loaded = IndependentClassifier.Load(folder.File("judge.safetensors"), Input, 2);

        double accuracy = ClassificationMetrics.Accuracy(ClassificationMetrics.Predictions(probabilities, 2), images.Labels!);
        Assert.InRange(accuracy, 0.95, 1);
        Assert.Equal(probabilities, loaded.Probabilities(rows));
    }

    [Fact]
    public void Load_ClassifierOfOtherImages_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using IndependentClassifier sut = IndependentClassifier.Train(Bars(128), Input, 2, epochs: 1, seed: 1, null, TestContext.Current.CancellationToken);
        sut.Save(folder.File("judge.safetensors"));

        Assert.Throws<InvalidCheckpointException>(() =>
            IndependentClassifier.Load(folder.File("judge.safetensors"), Input with { Shape = [1, 28, 28] }, 2));
    }

    /// <summary>Class 0: a row of white; class 1: a column.</summary>
    private static ImageDataset Bars(int count)
    {
        var random = new Random(5);
        var pixels = new byte[count * 144];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % 2;
            int place = random.Next(3, 9);
            for (int k = 0; k < 12; k++)
                pixels[i * 144 + (labels[i] == 0 ? place * 12 + k : k * 12 + place)] = 255;
        }
        return new ImageDataset(pixels, 1, 12, 12, labels);
    }
}
