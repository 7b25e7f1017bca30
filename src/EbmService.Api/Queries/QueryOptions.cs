using System.Globalization;
using EbmService.Api.Limits;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;

namespace EbmService.Api.Queries;

/// <summary>The options of a short query, from the JSON body or, for binary bodies, from the query string.</summary>
internal sealed record QueryOptions
{
    internal bool? Gradients { get; init; }

    internal int? RefineSteps { get; init; }

    internal string? Score { get; init; }

    internal double? Alpha { get; init; }

    internal string? Calibration { get; init; }

    internal double? AbstainBelow { get; init; }

    internal double? FalseDiscoveryRate { get; init; }

    internal OutOfRange? OutOfRange { get; init; }

    internal static QueryOptions Of(QueryRequest request) => request switch
    {
        EnergyRequest energy => new() { Gradients = energy.Gradients, OutOfRange = request.OutOfRange },
        ClassifyRequest classify => new()
        {
            RefineSteps = classify.RefineSteps, AbstainBelow = classify.AbstainBelow, Calibration = classify.Calibration, OutOfRange = request.OutOfRange,
        },
        OodRequest ood => new()
        {
            Score = ood.Score, Alpha = ood.Alpha, Calibration = ood.Calibration, FalseDiscoveryRate = ood.FalseDiscoveryRate, OutOfRange = request.OutOfRange,
        },
        _ => new() { OutOfRange = request.OutOfRange },
    };

    /// <summary>Reads the query string; parameters that the query doesn't have are errors.</summary>
    internal static QueryOptions Of(IQueryCollection query, QueryKind kind, List<FieldError> errors)
    {
        string[] known = kind switch
        {
            QueryKind.Energy => ["gradients", "outOfRange"],
            QueryKind.Classification => ["refineSteps", "abstainBelow", "calibration", "outOfRange"],
            _ => ["score", "alpha", "calibration", "falseDiscoveryRate", "outOfRange"],
        };
        foreach (string name in query.Keys.Except(known, StringComparer.OrdinalIgnoreCase))
            errors.Add(new(name, $"There is no query parameter '{name}' here. Known: {string.Join(", ", known)}."));
        return new()
        {
            Gradients = Parse(query, "gradients", "true or false", errors, (string text, out bool value) => bool.TryParse(text, out value)),
            RefineSteps = Parse(query, "refineSteps", "a whole number", errors,
                (string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)),
            Score = query["score"] is { Count: > 0 } score ? score.ToString() : null,
            Alpha = Parse<double>(query, "alpha", "a number", errors, TryNumber),
            Calibration = query["calibration"] is { Count: > 0 } calibration ? calibration.ToString() : null,
            AbstainBelow = Parse<double>(query, "abstainBelow", "a number", errors, TryNumber),
            FalseDiscoveryRate = Parse<double>(query, "falseDiscoveryRate", "a number", errors, TryNumber),
            OutOfRange = Parse(query, "outOfRange", "refuse or allow", errors,
                (string text, out OutOfRange value) => Enum.TryParse(text, ignoreCase: true, out value) && !char.IsAsciiDigit(text[0])),
        };
    }

    internal QueryOptions Or(QueryOptions other) => new()
    {
        Gradients = Gradients ?? other.Gradients,
        RefineSteps = RefineSteps ?? other.RefineSteps,
        Score = Score ?? other.Score,
        Alpha = Alpha ?? other.Alpha,
        Calibration = Calibration ?? other.Calibration,
        AbstainBelow = AbstainBelow ?? other.AbstainBelow,
        FalseDiscoveryRate = FalseDiscoveryRate ?? other.FalseDiscoveryRate,
        OutOfRange = OutOfRange ?? other.OutOfRange,
    };

    internal void Check(LimitsOptions limits, int inputs, List<FieldError> errors)
    {
        if (RefineSteps is < 0)
            errors.Add(new("refineSteps", "Must be at least 0."));
        if (RefineSteps > limits.MaxRefineSteps)
            errors.Add(new("refineSteps", $"{RefineSteps} steps are over this server's limit of {limits.MaxRefineSteps}.", FailureCode.OverPolicy));
        else if ((long)(RefineSteps ?? 0) * inputs > limits.MaxRefineInputSteps)
            errors.Add(new("refineSteps", $"{RefineSteps} steps for {inputs} inputs are over this server's limit of {limits.MaxRefineInputSteps} in all: send fewer inputs at once.", FailureCode.OverPolicy));
        if (Alpha is not (null or (> 0 and < 1)))
            errors.Add(new("alpha", "Must be above 0 and below 1: the share of in-distribution inputs that may be refused."));
        if (AbstainBelow is not (null or (> 0 and < 1)))
            errors.Add(new("abstainBelow", "Must be above 0 and below 1: the share of in-distribution inputs that may get no label."));
        if (FalseDiscoveryRate is not (null or (> 0 and < 1)))
            errors.Add(new("falseDiscoveryRate", "Must be above 0 and below 1: the expected share of in-distribution inputs among the discoveries."));
    }

    private static bool TryNumber(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);

    private delegate bool TryParse<T>(string text, out T value);

    private static T? Parse<T>(IQueryCollection query, string name, string expected, List<FieldError> errors, TryParse<T> parse)
        where T : struct
    {
        if (query[name] is not { Count: > 0 } text)
            return null;
        if (parse(text.ToString(), out T value))
            return value;
        errors.Add(new(name, $"Must be {expected}."));
        return null;
    }
}
