using System.CommandLine;
using EbmService.Cli.Engine;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Tuning;

/// <summary><c>ebm tune</c>.</summary>
internal static class TuneCommand
{
    private const string Notes = """
        Measures chain-steps per second of the model's default recipe on this device, by block size and number of slots, in interleaved rounds.
        The best is the smallest block within 3 % of the fastest. --save writes its size into the version's version.json for this kind of
        device: jobs that name no blockSize get it from then on (a running service: from its next start). A result's bits depend on the
        block size, so nothing chooses it silently; the version's digest doesn't cover it and stays. Leave the machine alone meanwhile.

        Examples:
          ebm tune deploy/models/mnist-jem
          ebm tune deploy/models/mnist-jem --precision bfloat16 --rounds 9
          ebm tune deploy/models/two-moons --block-sizes 32,64,128,256 --save

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var precision = new Option<SamplingPrecision>("--precision") { Description = "float32 or bfloat16." };
        var sizes = new Option<string?>("--block-sizes") { Description = "Default 4,8,16,32,64,128.", HelpName = "N,N,..." };
        var rounds = new Option<int>("--rounds") { Description = "Measurements of each combination.", DefaultValueFactory = _ => 5, HelpName = "N" };
        var seconds = new Option<double>("--seconds") { Description = "Length of one measurement.", DefaultValueFactory = _ => 0.4, HelpName = "S" };
        var save = new Option<bool>("--save") { Description = "Write the best block size into version.json." };
        var command = new Command("tune", "Finds the block size at which a model's chains run fastest here.")
        {
            folder, version, precision, sizes, rounds, seconds, save,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            environment, parsed.GetRequiredValue(folder), parsed.GetValue(version), parsed.GetValue(save), model => new TuningRequest
            {
                Model = model,
                Precision = parsed.GetValue(precision),
                BlockSizes = ParseSizes(parsed.GetValue(sizes)) ?? new TuningRequest { Model = model }.BlockSizes,
                Rounds = Within(parsed.GetValue(rounds), 1, 1000, "--rounds"),
                Length = TimeSpan.FromSeconds(Within(parsed.GetValue(seconds), 0.001, 60, "--seconds")),
            }, cancellationToken));
        return command.WithNotes(Notes);
    }

    private static async Task<int> RunAsync(
        CliEnvironment environment, string folder, string? version, bool save, Func<HostedModel, TuningRequest> request, CancellationToken cancellationToken)
    {
        await using LocalEngine engine = LocalEngine.Open(folder);
        TuningRequest asked = request(engine.Find(version));
        var display = new TuneDisplay(environment);
        display.Begin(asked);
        TuningReport report = await new BlockSizeTuner(engine).RunAsync(asked, display.Round, cancellationToken);
        display.Table(report);
        if (save)
            display.Saved(BlockSizeFile.Save(folder, asked.Model, report), report);
        return ExitCode.Ok;
    }

    private static int[]? ParseSizes(string? text) => text?.Split(',', StringSplitOptions.TrimEntries).Select(part =>
        int.TryParse(part, out int size) && size is >= 1 and <= SamplingSpecFactory.MaxBlockSize
            ? size
            : throw CliException.BadInput($"--block-sizes takes numbers from 1 to {SamplingSpecFactory.MaxBlockSize} such as 8,16,32; '{part}' is none")).ToArray();

    private static T Within<T>(T value, T min, T max, string option)
        where T : IComparable<T> =>
        value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0 ? value : throw CliException.BadInput($"{option} must be between {min} and {max}");
}
