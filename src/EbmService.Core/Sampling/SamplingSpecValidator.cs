using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Sampling;

/// <summary>
/// What holds for a sampling request: sizes and limits, the recipe's numbers, labels, initial states and fixed coordinates, then
/// the kernel with its settings, tempering, stop rules and what is kept. Every fault is reported.
/// </summary>
internal static class SamplingSpecValidator
{
    private const int MaxLeapfrogSteps = 1000;
    private const int MaxRows = 8192;

    internal static List<FieldError> Check(
        SamplingRequest request, SamplingSpec spec, HostedModel model, SamplingPolicy policy)
    {
        var errors = new List<FieldError>();
        CheckSize(spec, model, policy, errors);
        CheckRecipe(request, spec, errors);
        CheckLabels(request, spec, model, errors);
        CheckStart(spec, model, policy, errors);
        CheckKernel(request, spec, model, errors);
        if (spec.Precision == SamplingPrecision.Bfloat16
            && CapabilityRules.Refuse(model, "spec.precision", "This precision", "use float32", ModelCapability.Bfloat16) is { } refusal)
            errors.Add(refusal);
        return errors;
    }

    private static void CheckSize(SamplingSpec spec, HostedModel model, SamplingPolicy policy, List<FieldError> errors)
    {
        Require(errors, spec.Chains >= 1, "chains", "must be at least 1.");
        Require(errors, spec.Seed is >= 0 and <= SamplingSpecFactory.MaxSeed, "seed", "must be between 0 and 2^53 - 1.");
        Require(errors, spec.BlockSize is >= 1 and <= SamplingSpecFactory.MaxBlockSize,
            "blockSize", $"must be between 1 and {SamplingSpecFactory.MaxBlockSize}.");
        Require(errors, spec.PreviewEvery >= 0, "previewEvery", "must be 0 (no previews) or a number of steps.");
        errors.AddRange(CheckLimits(spec, model, policy));
    }

    /// <summary>Only this server's limits on the job's size.</summary>
    internal static List<FieldError> CheckLimits(SamplingSpec spec, HostedModel model, SamplingPolicy policy)
    {
        var errors = new List<FieldError>();
        Limit(errors, spec.Chains <= policy.MaxChains, "chains",
            $"{spec.Chains} chains are over this server's limit of {policy.MaxChains}.");
        Limit(errors, spec.Steps <= policy.MaxSteps, "steps", $"{spec.Steps} steps are over this server's limit of {policy.MaxSteps}.");
        int length = model.Descriptor!.Input.Length();
        double numbers = (double)spec.Chains * length * (1 + (spec.Thin is >= 1 ? (spec.Steps - spec.Warmup) / spec.Thin.Value : 0));
        Limit(errors, numbers <= policy.MaxResultNumbers, spec.Thin is null ? "chains" : "thin",
            $"chains x kept states x input size is {numbers:G3} numbers, over this server's limit of "
            + $"{policy.MaxResultNumbers:G3} for one result: ask for fewer chains, or a larger thin.");
        double cost = (double)spec.Chains * length * spec.Steps * spec.Replicas * (spec.Hmc?.LeapfrogSteps ?? 1);
        Limit(errors, cost <= policy.MaxElementSteps, "steps",
            $"gradients x input size is {cost:G3}, over this server's limit of {policy.MaxElementSteps:G3}: ask for fewer "
            + "chains, steps, temperatures or leapfrog steps.");
        return errors;
    }

    private static void CheckRecipe(SamplingRequest request, SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, request.Noise is null || request.Temperature is null,
            "noise", "and temperature exclude each other: give one (temperature sets the noise to sqrt(2 * stepSize * temperature)).");
        // The schedules' extremes lie within their own length.
        SgldRecipe recipe = spec.ToRecipe() with { Steps = Math.Min(spec.Steps, spec.Horizon) };
        foreach ((string member, string rule) in SgldRecipeRules.Faults(recipe))
            Require(errors, false, member, rule);
    }

    private static void CheckLabels(SamplingRequest request, SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        int classes = model.Descriptor!.Labels.Count;
        Require(errors, request.Label is null || request.Labels is null, "label", "and labels exclude each other: give one.");
        Require(errors, request.Labels is null or { Count: > 0 and <= 1024 }, "labels", "must have 1 to 1024 entries.");
        if (spec.Labels.Count > 0
            && CapabilityRules.Refuse(model, "spec.label", "A label", "leave it out", ModelCapability.Classes) is { } refusal)
            errors.Add(refusal);
        else
            Require(errors, spec.Labels.All(label => label >= 0 && label < classes),
                request.Label is null ? "labels" : "label", $"must be a class index between 0 and {classes - 1}.");
    }

    private static void CheckStart(SamplingSpec spec, HostedModel model, SamplingPolicy policy, List<FieldError> errors)
    {
        InputSchema input = model.Descriptor!.Input;
        if (spec.Start == ChainStart.Buffer && model.BufferSize == 0)
            errors.Add(new("spec.start", $"The model '{model.Key.Name}' has no replay buffer: use 'base'.", FailureCode.NotSupported));
        Require(errors, spec.Data is null || spec.Dataset is null, "dataset", "and data exclude each other: give one.");
        Require(errors, spec.Start == ChainStart.Data == (spec.Data is not null || spec.Dataset is not null), "data",
            "or dataset, and start 'data' go together: give both or neither.");
        Require(errors, spec.Start == ChainStart.Job == spec.StartJob is not null, "startJob",
            "and start 'job' go together: give both or neither.");
        if (spec.Data is { } data && Fits(data, input, "data", rows: true, policy, errors))
            CheckValues(data, input, spec, "data", errors);
        if (spec.Held is { } held)
            CheckFixed(held, input, spec, policy, errors);
    }

    private static void CheckFixed(HeldPart held, InputSchema input, SamplingSpec spec, SamplingPolicy policy, List<FieldError> errors)
    {
        bool values = Fits(held.Values, input, "held.values", rows: true, policy, errors);
        if (!Fits(held.Mask, input, "held.mask", rows: false, policy, errors))
            return;
        Require(errors, held.Mask.Values.All(value => value is 0 or 1), "held.mask",
            "has 1 where x is held and 0 where it is free, nothing else.");
        Require(errors, held.Mask.Values.Any(value => value == 0), "held.mask", "leaves nothing free to sample.");
        Require(errors, input.Variables != VariableKind.Categorical || IsWhole(held.Mask, input.Shape[^1]), "held.mask",
            "must hold or free all categories of a variable together.");
        if (values)
            CheckValues(held.Values, input, spec, "held.values", errors);
    }

    private static bool Fits(
        TensorPayload tensor, InputSchema input, string field, bool rows, SamplingPolicy policy, List<FieldError> errors)
    {
        bool single = tensor.Shape.SequenceEqual(input.Shape);
        bool fits = single || (rows && tensor.Shape.Count == input.Shape.Count + 1 && tensor.Rows >= 1
            && tensor.Shape.Skip(1).SequenceEqual(input.Shape));
        Require(errors, fits, field,
            $"must have the shape [{string.Join(", ", input.Shape)}]{(rows ? ", or rows of it" : "")}; it has "
            + $"[{string.Join(", ", tensor.Shape)}].");
        bool finite = tensor.Values.All(float.IsFinite);
        Require(errors, finite, field, "must be finite numbers.");
        Limit(errors, tensor.Values.Length <= policy.MaxInlineNumbers, field,
            $"{tensor.Values.Length} numbers are over this server's limit of {policy.MaxInlineNumbers} in a spec: send "
            + "fewer rows, they are dealt to the chains in turn.");
        return fits && finite && tensor.Values.Length <= policy.MaxInlineNumbers;
    }

    /// <summary>Discrete kernels know no states but those of the alphabet: there nothing else can be allowed.</summary>
    private static void CheckValues(TensorPayload tensor, InputSchema input, SamplingSpec spec, string field, List<FieldError> errors)
    {
        bool isAllowed = spec.OutOfRange == OutOfRange.Allow && !spec.Kernel.IsDiscrete();
        if (!isAllowed && InputValues.FindOutside(tensor, input) is { } outside)
            errors.Add(new($"spec.{field}{tensor.PathOf(outside.Index)}", outside.Rule));
    }

    private static bool IsWhole(TensorPayload mask, int categories) =>
        mask.Values.Chunk(categories).All(one => one.Distinct().Count() == 1);

    private static void CheckKernel(SamplingRequest request, SamplingSpec spec, HostedModel model, List<FieldError> errors)
    {
        if (CapabilityRules.Refuse(model, spec.Kernel, "spec.kernel") is { } refusal)
            errors.Add(refusal);
        CheckUnused(request, spec.Kernel, errors);
        CheckSettings(spec, errors);
        CheckTempering(spec, errors);
        CheckStop(spec, errors);
        Require(errors, spec.Warmup >= 0 && spec.Warmup < Math.Max(1, spec.Steps), "warmup", "must be at least 0 and below steps.");
        Require(errors, spec.ScheduleSteps >= 1 || spec.Steps < 1, "scheduleSteps", "must be at least 1.");
        Require(errors, spec.Thin is null || (spec.Thin >= 1 && spec.Thin <= spec.Steps - spec.Warmup), "thin",
            "must be between 1 and the steps after the warm-up.");
    }

    /// <summary>A member that the kernel would ignore is an error: the client believes that it does something.</summary>
    private static void CheckUnused(SamplingRequest request, SamplingKernel kernel, List<FieldError> errors)
    {
        string name = JsonNamingPolicy.CamelCase.ConvertName(kernel.ToString());
        void Unused(bool given, string field, bool used) =>
            Require(errors, !given || used, field, $"has no meaning for kernel {name}: leave it out.");
        Unused(request.Hmc is not null, "hmc", kernel == SamplingKernel.Hmc);
        Unused(request.Mala is not null, "mala", kernel == SamplingKernel.Mala);
        Unused(request.Underdamped is not null, "underdamped", kernel == SamplingKernel.Underdamped);
        Unused(request.Preconditioner is not null, "preconditioner", kernel == SamplingKernel.PreconditionedSgld);
        Unused(request.Order is UpdateOrder.NoiseFirst, "order", kernel == SamplingKernel.Sgld);
        Unused(request.GradientClip is { Kind: not GradientClipKind.None }, "gradientClip",
            kernel is SamplingKernel.Sgld or SamplingKernel.PreconditionedSgld);
        Unused(request.StateClamp is { Kind: not StateClampKind.None }, "stateClamp", !kernel.IsDiscrete());
        Unused(request.Schedule is { Kind: not ScheduleKind.Constant }, "schedule", !kernel.IsDiscrete());
        Require(errors, request.Noise is null || kernel == SamplingKernel.Sgld, "noise",
            $"has no meaning for kernel {name}: give a temperature.");
    }

    private static void CheckSettings(SamplingSpec spec, List<FieldError> errors)
    {
        Require(errors, spec.Hmc?.LeapfrogSteps is null or (>= 1 and <= MaxLeapfrogSteps), "hmc.leapfrogSteps",
            $"must be between 1 and {MaxLeapfrogSteps}.");
        Require(errors, spec.Hmc?.TargetAcceptance is null or (> 0 and < 1), "hmc.targetAcceptance", "must be above 0 and below 1.");
        Require(errors, spec.Mala?.TargetAcceptance is null or (> 0 and < 1), "mala.targetAcceptance", "must be above 0 and below 1.");
        Require(errors, spec.Underdamped?.Friction is null or (> 0 and <= 1e6), "underdamped.friction", "must be above 0 and at most 1e6.");
        Require(errors, spec.Preconditioner?.Decay is null or (>= 0 and < 1), "preconditioner.decay", "must be at least 0 and below 1.");
        Require(errors, spec.Preconditioner?.Epsilon is null or (> 0 and <= 1e6), "preconditioner.epsilon",
            "must be above 0 and at most 1e6.");
        Require(errors, !spec.Kernel.IsExact() || spec.Temperature is null or > 0, "temperature",
            "must be above 0 for a kernel that accepts and rejects.");
    }

    private static void CheckTempering(SamplingSpec spec, List<FieldError> errors)
    {
        if (spec.Tempering is not { } tempering)
            return;
        IReadOnlyList<double> ladder = tempering.Temperatures;
        Require(errors, spec.Temperature is > 0, "tempering", "needs a temperature above 0 instead of a noise.");
        bool ascends = TemperingSettings.IsLadder(ladder);
        Require(errors, ascends, "tempering.temperatures", $"must be 2 to {TemperingSettings.MaxReplicas} ascending factors that begin with 1.");
        double hottest = Math.Sqrt(2 * spec.StepSize * (spec.Temperature ?? 0) * (ladder.Count > 0 ? ladder[^1] : 1));
        Require(errors, !ascends || spec.Kernel.IsDiscrete() || hottest <= float.MaxValue, "tempering.temperatures",
            "times temperature and stepSize give a noise beyond float32.");
        Require(errors, tempering.SwapEvery >= 1, "tempering.swapEvery", "must be at least 1.");
        Require(errors, (long)spec.BlockSize * ladder.Count <= MaxRows, "blockSize",
            $"times the number of temperatures must be at most {MaxRows}.");
    }

    private static void CheckStop(SamplingSpec spec, List<FieldError> errors)
    {
        if (spec.Stop is not { } stop)
            return;
        Require(errors, stop != new StopRules(), "stop", "needs untilEss, untilRHat or deadlineSeconds.");
        Require(errors, stop.UntilEss is null or (> 0 and <= 1e9), "stop.untilEss", "must be above 0 and at most 1e9.");
        Require(errors, stop.UntilRHat is null or (> 1 and <= 100), "stop.untilRHat", "must be above 1 and at most 100.");
        Require(errors, stop.CheckEvery is null or >= 1, "stop.checkEvery", "must be at least 1.");
        Require(errors, stop.CheckEvery is null || stop is not { UntilEss: null, UntilRHat: null }, "stop.checkEvery",
            "needs untilEss or untilRHat.");
        Require(errors, stop.DeadlineSeconds is null or (> 0 and <= 1e9), "stop.deadlineSeconds", "must be above 0 and at most 1e9.");
        if (spec.Steps >= 1 && spec.Chains >= 1 && !errors.Exists(error => error.Field.StartsWith("spec.stop", StringComparison.Ordinal)))
            CheckJudged(spec, stop, errors);
    }

    /// <summary>A rule that could never be judged is an error: the client believes that it ends the job.</summary>
    private static void CheckJudged(SamplingSpec spec, StopRules stop, List<FieldError> errors)
    {
        if (stop is { CheckEvery: { } every } and not { UntilEss: null, UntilRHat: null })
        {
            long last = (spec.Steps - 1L) / every * every, fewest = spec.Warmup + StopRules.FewestDraws,
                first = (fewest + every - 1) / every * every;
            Require(errors, last >= fewest, "stop.checkEvery",
                $"is {every}: the rule is judged at its multiples below the {spec.Steps} steps and needs {StopRules.FewestDraws}"
                + $" steps after the warm-up of {spec.Warmup}, so it would never be judged. Ask for more than {first} steps,"
                + " or a smaller checkEvery or warmup.");
        }
        // Chains are dealt the labels in turn.
        int[] labels = spec.Labels.Count == 0 ? [-1] : [.. spec.Labels];
        int[] chains = [.. labels.Index().Take(spec.Chains)
            .GroupBy(entry => entry.Item, entry => (spec.Chains - entry.Index + labels.Length - 1) / labels.Length).Select(Enumerable.Sum)];
        Require(errors, stop.UntilRHat is null || chains.Min() >= 2, "stop.untilRHat", spec.Labels.Count == 0
            ? "compares chains with each other: with one chain it would never be judged. Ask for at least 2 chains, or use untilEss."
            : $"compares chains of the same class with each other: with {spec.Chains} chains for {chains.Length} classes "
                + "it would never be judged. Ask for at least 2 chains of every class, or use untilEss.");
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }

    private static void Limit(List<FieldError> errors, bool holds, string field, string message)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", message, FailureCode.OverPolicy));
    }
}

/// <summary>
/// What holds for the numbers of every chain: a request's, a model's
/// recipe and a training run's. Every fault is reported.
/// </summary>
public static class SgldRecipeRules
{
    /// <summary>The members at fault, and the rule that each breaks: "member rule" is a sentence.</summary>
    public static IReadOnlyList<(string Member, string Rule)> Faults(SgldRecipe recipe)
    {
        (bool Holds, string Member, string Rule)[] rules = [.. NumberRules(recipe), .. ClipRules(recipe), .. ScheduleRules(recipe)];
        List<(string, string)> faults = [.. rules.Where(rule => !rule.Holds).Select(rule => (rule.Member, rule.Rule))];
        // The temperature of numbers that are wrong on their own says nothing more.
        if (faults.Count == 0 && TemperatureFault(recipe) is { } fault)
            faults.Add(fault);
        return faults;
    }

    private static IEnumerable<(bool, string, string)> NumberRules(SgldRecipe recipe)
    {
        yield return (recipe.Steps >= 1, "steps", "must be at least 1.");
        yield return ((float)recipe.StepSize > 0 && IsFloat(recipe.StepSize), "stepSize",
            "must be a finite number above 0, within float32.");
        yield return (recipe.Noise is null || (recipe.Noise >= 0 && IsFloat(recipe.Noise.Value)), "noise",
            "must be a finite number of at least 0, within float32.");
        yield return (recipe.Temperature is null or (>= 0 and < double.PositiveInfinity), "temperature",
            "must be a finite number of at least 0.");
        yield return (recipe.FreshShare is >= 0 and <= 1, "freshShare", "must be between 0 and 1.");
    }

    private static IEnumerable<(bool, string, string)> ClipRules(SgldRecipe recipe)
    {
        GradientClip clip = recipe.GradientClip;
        yield return (clip.Kind != GradientClipKind.None || clip == new GradientClip(),
            "gradientClip", "has a limit, but its kind is none: give \"kind\": \"value\" or \"norm\".");
        yield return (clip.Kind == GradientClipKind.None || (clip.Limit > 0 && IsFloat(clip.Limit)),
            "gradientClip.limit", "must be a finite number above 0, within float32.");
        StateClamp clamp = recipe.StateClamp;
        yield return (clamp.Kind != StateClampKind.None || clamp == new StateClamp(),
            "stateClamp", "has min or max, but its kind is none: give \"kind\": \"range\".");
        yield return (clamp.Kind == StateClampKind.None || (clamp.Min < clamp.Max && IsFloat(clamp.Min) && IsFloat(clamp.Max)),
            "stateClamp", "needs min below max, both within float32.");
    }

    private static IEnumerable<(bool, string, string)> ScheduleRules(SgldRecipe recipe) =>
    [
        .. ScheduleRules("schedule", recipe.Schedule), .. ScheduleRules("noiseSchedule", recipe.NoiseSchedule),
        .. ScheduleRules("temperatureSchedule", recipe.TemperatureSchedule),
        (recipe.NoiseSchedule == new Schedule() || recipe.Noise is not null, "noiseSchedule",
            "needs a noise: with a temperature, schedule that."),
        (recipe.TemperatureSchedule == new Schedule() || recipe.Temperature is not null, "temperatureSchedule",
            "needs a temperature: with a noise, schedule that."),
    ];

    private static IEnumerable<(bool, string, string)> ScheduleRules(string member, Schedule schedule)
    {
        Schedule plain = new(schedule.Kind);
        Schedule known = schedule.Kind switch
        {
            ScheduleKind.Polynomial => plain with { Power = schedule.Power, Offset = schedule.Offset },
            ScheduleKind.Cosine => plain with { End = schedule.End },
            ScheduleKind.Annealed => plain with { Start = schedule.Start, End = schedule.End },
            ScheduleKind.Cyclical => plain with { End = schedule.End, Cycles = schedule.Cycles },
            _ => plain,
        };
        yield return (schedule == known, member,
            "has a member that its kind does not use: \"kind\": \"polynomial\" takes power and offset, \"cosine\" end, "
            + "\"annealed\" start and end, \"cyclical\" cycles and end, \"constant\" none.");
        yield return (schedule.Kind != ScheduleKind.Polynomial
            || schedule is { Power: > 0 and <= 1, Offset: > 0 and < double.PositiveInfinity },
            member, "of kind polynomial needs power in (0, 1] and a finite offset above 0.");
        yield return (schedule.Kind is not (ScheduleKind.Cosine or ScheduleKind.Cyclical) || schedule.End is >= 0 and <= 1,
            $"{member}.end", "must be between 0 and 1.");
        yield return (schedule.Kind != ScheduleKind.Annealed
            || (schedule is { Start: > 0, End: > 0 } && IsFloat(schedule.Start) && IsFloat(schedule.End)),
            member, "of kind annealed needs start and end above 0, within float32.");
        yield return (schedule.Kind != ScheduleKind.Cyclical || schedule.Cycles >= 1, $"{member}.cycles", "must be at least 1.");
    }

    /// <summary>Schedules are monotonic within a cycle, so their extremes bound all other steps.</summary>
    private static (string Member, string Rule)? TemperatureFault(SgldRecipe recipe)
    {
        string noise = recipe.Temperature is null ? "noise" : "temperature";
        if (!IsSound(recipe, 0))
            return (noise, "and stepSize together give a noise or a temperature s^2 / (2a) that is no finite number.");
        IEnumerable<int> steps = new[] { recipe.Schedule, recipe.NoiseSchedule, recipe.TemperatureSchedule }.SelectMany(
            one => one.ExtremeSteps(recipe.Steps));
        if (!steps.All(step => IsSound(recipe, step)))
            return ("schedule", "shrinks the step size until the temperature s^2 / (2a) of some step is no finite number.");
        return null;
    }

    private static bool IsSound(SgldRecipe recipe, int step) =>
        IsFloat(recipe.NoiseAt(step, recipe.Steps)) && double.IsFinite(recipe.ImpliedTemperatureAt(step, recipe.Steps));

    private static bool IsFloat(double value) => Math.Abs(value) <= float.MaxValue;
}
