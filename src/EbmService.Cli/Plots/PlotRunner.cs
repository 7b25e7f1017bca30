using EbmService.Cli.Running;
using EbmService.Cli.Engine;
using EbmService.Core.Devices;
using EbmService.Core.Files;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Assessment;
using EbmService.Inference.Imaging;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Plots;

/// <summary>Draws everything that a result, several or a spec have to show.</summary>
internal sealed class PlotRunner(CliEnvironment environment, PlotOptions options)
{
    private const int FilmChains = 8;
    private const int FilmColumns = 16;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (options.Paths.Count > 1)
            return Write(options.Output ?? ".", [("compared.png", Compare())]);
        string path = options.Paths[0];
        if (!Directory.Exists(path) && !File.Exists(path))
            throw CliException.BadInput($"there is no '{path}'");
        bool isSpec = !Directory.Exists(path) && Path.GetFileName(path) != "trace.json";
        return isSpec
            ? Write(options.Output ?? Path.GetDirectoryName(Path.GetFullPath(path))!,
                [("schedule.png", Schedule(SpecFile.Read(path), options.Title ?? "schedule"))])
            : await DrawResultAsync(ResultFolder.Open(path), cancellationToken);
    }

    private byte[] Compare()
    {
        ResultFolder[] results = [.. options.Paths.Select(ResultFolder.Open)];
        return ChainPlots.Compared(results, options.Title ?? string.Join(", ", results.Select(result => result.Model).Distinct()));
    }

    private async Task<int> DrawResultAsync(ResultFolder result, CancellationToken cancellationToken)
    {
        string title = options.Title ?? $"{result.Model}: {result.Kernel}".TrimEnd(' ', ':');
        var pictures = new List<(string, byte[])> { ("energy.png", ChainPlots.Energies(result, title, options.Chains)) };
        if (ChainPlots.Convergence(result, title) is { } convergence)
            pictures.Add(("convergence.png", convergence));
        if (options.Model is not null && result.Spec is { } spec)
            pictures.Add(("schedule.png", Schedule(spec, title)));
        TensorPayload? samples = result.ReadTensor("samples.npy"), trajectory = result.ReadTensor("trajectory.npy");
        if (options.Model is not null && samples is { Shape: [_, 2], Rows: > 0 })
            pictures.Add(("plane.png", await PlaneAsync(title, new PlaneOverlay(samples, trajectory, Math.Min(3, options.Chains)), cancellationToken)));
        if (options.Model is not null && trajectory is { Shape: [> 0, > 0, ..] } && Film(trajectory) is { Length: > 0 } film)
            pictures.Add(("trajectory.png", film));
        return Write(options.Output ?? result.Folder, pictures);
    }

    private byte[] Schedule(SamplingRequest request, string title)
    {
        if (options.Model is null)
            throw CliException.BadInput("a spec alone leaves much to its model: name it with --model");
        return WithModel((services, model) => SchedulePlot.Render(SamplingSpecFactory.Create(
            request, model, services.GetRequiredService<IComputeDevice>().Info.Kind,
            new SamplingPolicy(MaxInlineNumbers: int.MaxValue), () => 0).OrThrow(), title));
    }

    private async Task<byte[]> PlaneAsync(string title, PlaneOverlay overlay, CancellationToken cancellationToken)
    {
        await using LocalEngine engine = LocalEngine.Open(options.Model!);
        HostedModel model = engine.Find(version: null);
        InputSchema input = model.Descriptor!.Input;
        if (!input.Shape.SequenceEqual([2]))
            throw CliException.BadInput($"the result is of the plane, the model '{model.Key.Name}' is not: --model names another one");
        return await engine.Get<PlaneEnergy>().RenderAsync(model, title, overlay, cancellationToken);
    }

    /// <summary>A row per chain, its kept states from left to right; empty where states are no images.</summary>
    private byte[] Film(TensorPayload trajectory) => WithModel((_, model) =>
    {
        InputSchema input = model.Descriptor!.Input, visible = model.VisibleSchema();
        if (visible.Kind != InputKind.Image)
            return [];
        if (!input.Shape.SequenceEqual(trajectory.Shape.Skip(2)))
            throw CliException.BadInput($"the trajectory's images are not of the model '{model.Key.Name}': --model names another one");
        int draws = trajectory.Shape[0], chains = trajectory.Shape[1], length = input.Length();
        int rows = Math.Min(FilmChains, chains), columns = Math.Min(FilmColumns, draws);
        var values = new float[rows * columns * length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                int draw = columns < 2 ? 0 : (int)((long)column * (draws - 1) / (columns - 1));
                trajectory.Values.AsSpan((draw * chains + row) * length, length).CopyTo(values.AsSpan((row * columns + column) * length));
            }
        }
        return new SkiaImageCodec().EncodeGrid(new TensorPayload([rows * columns, .. input.Shape], values), visible, columns);
    });

    private T WithModel<T>(Func<ServiceProvider, HostedModel, T> draw)
    {
        (ServiceProvider services, string name) = ModelHost.Open(options.Model!);
        using ServiceProvider scope = services;
        return draw(services, ModelHost.Find(services, name, null));
    }

    private int Write(string folder, IReadOnlyList<(string Name, byte[] Png)> pictures)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] png) in pictures)
            DurableFiles.Replace(Path.Combine(folder, name), png);
        environment.Out.WriteLine($"Wrote {string.Join(", ", pictures.Select(picture => picture.Name))} to {folder}.");
        return ExitCode.Ok;
    }
}
