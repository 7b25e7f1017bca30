namespace EbmService.Core.Sampling;

/// <summary>What holds for the numbers of every chain: a request's, a model's recipe and a training run's. Every fault is reported.</summary>
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
        yield return ((float)recipe.StepSize > 0 && IsFloat(recipe.StepSize), "stepSize", "must be a finite number above 0, within float32.");
        yield return (recipe.Noise is null || (recipe.Noise >= 0 && IsFloat(recipe.Noise.Value)), "noise", "must be a finite number of at least 0, within float32.");
        yield return (recipe.Temperature is null or (>= 0 and < double.PositiveInfinity), "temperature", "must be a finite number of at least 0.");
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
        (recipe.NoiseSchedule == new Schedule() || recipe.Noise is not null, "noiseSchedule", "needs a noise: with a temperature, schedule that."),
        (recipe.TemperatureSchedule == new Schedule() || recipe.Temperature is not null, "temperatureSchedule", "needs a temperature: with a noise, schedule that."),
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
            "has a member that its kind does not use: \"kind\": \"polynomial\" takes power and offset, \"cosine\" end, \"annealed\" start and end, \"cyclical\" cycles and end, \"constant\" none.");
        yield return (schedule.Kind != ScheduleKind.Polynomial || schedule is { Power: > 0 and <= 1, Offset: > 0 and < double.PositiveInfinity },
            member, "of kind polynomial needs power in (0, 1] and a finite offset above 0.");
        yield return (schedule.Kind is not (ScheduleKind.Cosine or ScheduleKind.Cyclical) || schedule.End is >= 0 and <= 1, $"{member}.end", "must be between 0 and 1.");
        yield return (schedule.Kind != ScheduleKind.Annealed || (schedule is { Start: > 0, End: > 0 } && IsFloat(schedule.Start) && IsFloat(schedule.End)),
            member, "of kind annealed needs start and end above 0, within float32.");
        yield return (schedule.Kind != ScheduleKind.Cyclical || schedule.Cycles >= 1, $"{member}.cycles", "must be at least 1.");
    }

    /// <summary>Schedules are monotonic within a cycle, so their extremes bound all other steps.</summary>
    private static (string Member, string Rule)? TemperatureFault(SgldRecipe recipe)
    {
        string noise = recipe.Temperature is null ? "noise" : "temperature";
        if (!IsSound(recipe, 0))
            return (noise, "and stepSize together give a noise or a temperature s^2 / (2a) that is no finite number.");
        IEnumerable<int> steps = new[] { recipe.Schedule, recipe.NoiseSchedule, recipe.TemperatureSchedule }.SelectMany(one => one.ExtremeSteps(recipe.Steps));
        if (!steps.All(step => IsSound(recipe, step)))
            return ("schedule", "shrinks the step size until the temperature s^2 / (2a) of some step is no finite number.");
        return null;
    }

    private static bool IsSound(SgldRecipe recipe, int step) =>
        IsFloat(recipe.NoiseAt(step, recipe.Steps)) && double.IsFinite(recipe.ImpliedTemperatureAt(step, recipe.Steps));

    private static bool IsFloat(double value) => Math.Abs(value) <= float.MaxValue;
}
