using System.CommandLine;
using System.Globalization;
using EbmService.Cli.Running;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Sampling;

/// <summary>The options of <c>ebm sample</c> that stand for members of the spec; what they say goes over the file of --spec.</summary>
internal sealed class SampleOptions
{
    private readonly Option<string?> _spec = Text("--spec", "JSON: the API's spec, or a card.json or job request that holds one. The options below go over it.", "FILE");
    private readonly Option<int?> _chains = Whole("--chains", $"Independent chains. Default {SamplingSpecFactory.DefaultChains}.", "N");
    private readonly Option<int?> _steps = Whole("--steps", "Steps per chain. Default: the recipe's.", "N");
    private readonly Option<long?> _seed = new("--seed") { Description = "0 to 2^53 - 1. Default: drawn, and recorded in card.json.", HelpName = "N" };
    private readonly Option<SamplingKernel?> _kernel = new("--kernel") { Description = "How chains move; docs/sampling.md says which one when. Default: sgld, for binary and categorical models gibbsWithGradients." };
    private readonly Option<string?> _recipe = Text("--recipe", $"The model's own or {string.Join(", ", SgldRecipes.BuiltIn.Keys)}. Default: the model's.", "NAME");
    private readonly Option<double?> _stepSize = Number("--step-size", "Instead of the recipe's; of hmc and underdamped the leapfrog step.", "A");
    private readonly Option<double?> _noise = Number("--noise", "Standard deviation per step, sgld only; excludes --temperature.", "S");
    private readonly Option<double?> _temperature = Number("--temperature", "Sets the noise to sqrt(2 A T).", "T");
    private readonly Option<string?> _temperatures = Text("--temperatures", "Replica exchange: factors on the temperature, ascending from 1.", "1,F,F,...");
    private readonly Option<int?> _warmup = Whole("--warmup", "First steps, which adapt mala and hmc and which diagnostics and trajectories leave out.", "N");
    private readonly Option<int?> _thin = Whole("--thin", "Also writes trajectory.npy: every N-th state after the warm-up.", "N");
    private readonly Option<double?> _untilEss = Number("--until-ess", "Stop once the smallest bulk effective sample size is this.", "N");
    private readonly Option<double?> _untilRHat = Number("--until-rhat", "Stop once the largest R-hat is this, for example 1.01.", "R");
    private readonly Option<int?> _checkEvery = Whole("--check-every", $"Steps between two judgements of --until-... Default {SamplingSpecFactory.DefaultCheckEvery}.", "N");
    private readonly Option<double?> _deadline = Number("--deadline", "Stop with what there is after so many seconds.", "SECONDS");
    private readonly Option<int?> _label = Whole("--label", "One class index for all chains.", "C");
    private readonly Option<string?> _labels = Text("--labels", "Class indices dealt to the chains in turn.", "C,C,...");
    private readonly Option<ChainStart?> _start = new("--start") { Description = "buffer (the model's replay buffer), base (uniform), data or job (what the spec names)." };
    private readonly Option<string?> _startFrom = Text("--start-from", "A result folder, whose chains this job goes on from, or a .npy file of points.", "PATH");
    private readonly Option<int?> _blockSize = Whole("--block-size", "Chains advanced together; part of what fixes the bits.", "N");
    private readonly Option<SamplingPrecision?> _precision = new("--precision") { Description = "float32 or bfloat16." };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_spec, _chains, _steps, _seed, _kernel, _recipe, _stepSize, _noise, _temperature, _temperatures, _warmup, _thin,
            _untilEss, _untilRHat, _checkEvery, _deadline, _label, _labels, _start, _startFrom, _blockSize, _precision])
            command.Options.Add(option);
    }

    public SamplingRequest Read(ParseResult parsed)
    {
        SamplingRequest file = parsed.GetValue(_spec) is { } path ? SpecFile.Read(path) : new();
        (double? noise, double? temperature) = (parsed.GetValue(_noise), parsed.GetValue(_temperature));
        (int? label, int[]? labels) = (parsed.GetValue(_label), List(parsed.GetValue(_labels), "--labels", int.Parse, "class indices such as 0,1,2"));
        // Of two members that exclude each other, the option's drives out the file's.
        bool ownNoise = noise is not null || temperature is not null, ownLabel = label is not null || labels is not null;
        SamplingRequest request = file with
        {
            Chains = parsed.GetValue(_chains) ?? file.Chains,
            Steps = parsed.GetValue(_steps) ?? file.Steps,
            Seed = parsed.GetValue(_seed) ?? file.Seed,
            Kernel = parsed.GetValue(_kernel) ?? file.Kernel,
            Recipe = parsed.GetValue(_recipe) ?? file.Recipe,
            StepSize = parsed.GetValue(_stepSize) ?? file.StepSize,
            Noise = ownNoise ? noise : file.Noise,
            Temperature = ownNoise ? temperature : file.Temperature,
            Tempering = Tempering(parsed, file),
            Warmup = parsed.GetValue(_warmup) ?? file.Warmup,
            Thin = parsed.GetValue(_thin) ?? file.Thin,
            Stop = Stop(parsed, file),
            Label = ownLabel ? label : file.Label,
            Labels = ownLabel ? labels : file.Labels,
            Start = parsed.GetValue(_start) ?? file.Start,
            BlockSize = parsed.GetValue(_blockSize) ?? file.BlockSize,
            Precision = parsed.GetValue(_precision) ?? file.Precision,
        };
        return parsed.GetValue(_startFrom) is { } from ? StartPoints.From(from, request) : StartPoints.Resolve(request);
    }

    private TemperingSettings? Tempering(ParseResult parsed, SamplingRequest file) =>
        List(parsed.GetValue(_temperatures), "--temperatures", double.Parse, "factors such as 1,2,4") is { } ladder
            ? (file.Tempering ?? new([])) with { Temperatures = ladder }
            : file.Tempering;

    private StopRules? Stop(ParseResult parsed, SamplingRequest file)
    {
        StopRules old = file.Stop ?? new();
        var stop = new StopRules(
            parsed.GetValue(_untilEss) ?? old.UntilEss, parsed.GetValue(_untilRHat) ?? old.UntilRHat,
            parsed.GetValue(_checkEvery) ?? old.CheckEvery, parsed.GetValue(_deadline) ?? old.DeadlineSeconds);
        return stop == new StopRules() ? file.Stop : stop;
    }

    private static T[]? List<T>(string? text, string option, Func<string, IFormatProvider, T> parse, string example) =>
        text?.Split(',', StringSplitOptions.TrimEntries).Select(part =>
        {
            try
            {
                return parse(part, CultureInfo.InvariantCulture);
            }
            catch (Exception exception) when (exception is FormatException or OverflowException)
            {
                throw CliException.BadInput($"{option} takes {example}; '{part}' is none", exception);
            }
        }).ToArray();

    private static Option<string?> Text(string name, string description, string value) => new(name) { Description = description, HelpName = value };

    private static Option<int?> Whole(string name, string description, string value) => new(name) { Description = description, HelpName = value };

    private static Option<double?> Number(string name, string description, string value) => new(name) { Description = description, HelpName = value };
}
